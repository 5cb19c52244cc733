//go:build !unix

package probe

import "os/exec"

// ownGroup does nothing where there are no process groups: the command is killed alone.
func ownGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}
