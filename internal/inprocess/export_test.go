package inprocess

// MostIdle is how many ecosystems wait for a flow.
const MostIdle = mostIdle
