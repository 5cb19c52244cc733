// Package inprocess runs flows on ecosystems of this process, one flow after another on
// each.
//
// To start an ecosystem takes longer than most flows do: it opens a listener for each
// service, and every connection anew. A Pool therefore gives an ecosystem that a flow has
// left to the next flow with the same instances and features. In between, the ecosystem is
// renewed: [ecosystem.Ecosystem.Renew] waits until nobody answers a request any more, and
// then all that the services know is made anew, as at a start. What stays is what no flow
// can change: listeners, connections, routes, and signing keys by name.
package inprocess
