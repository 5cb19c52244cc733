// Command ccmock is the Cloud Connector ecosystem on one machine.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ccmock/ccmock/cmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal drains, a second one ends at once
	os.Exit(cmd.Main(ctx, os.Args[1:], cmd.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
