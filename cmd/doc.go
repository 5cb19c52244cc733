// Package cmd is the command line of ccmock: one file for each subcommand.
//
// # Exit codes
//
//	0  all is well: every flow passed, nothing to complain about, stopped on request
//	1  a flow failed, a probed service let in or crashed on what it must refuse, or an
//	   ecosystem that was asked is not healthy
//	2  bad usage, or a file or token that cannot be read
//	3  a service could not start, did not answer, or stopped by itself
//
// # Streams
//
// What was asked for goes to standard output, for machines with --json; errors, progress
// and the log go to standard error. An error is one line that begins with "ccmock: ", and
// what may help follows on a line that begins with "hint: ". Problems in files come with
// the lines around them, all at once.
//
// # Environment
//
// CCMOCK_CONTROL_TOKEN is the control token where --control-token is not given. Nothing
// else is read from the environment but the user's cache folder, where signing keys are
// kept.
package cmd
