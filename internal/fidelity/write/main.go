// Command write makes docs/fidelity.md of the output of `go test -json ./...`:
//
//	go run ./internal/fidelity/write [-check] FILE...
//
// With -check it writes nothing and fails when the file would change. It fails, and names them, when a fact has no test
// that passed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ccmock/ccmock/internal/fidelity"
)

func main() {
	check := flag.Bool("check", false, "fail when docs/fidelity.md is out of date")
	flag.Parse()
	if err := run(filepath.Join("docs", "fidelity.md"), flag.Args(), *check); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(target string, files []string, check bool) error {
	if len(files) == 0 {
		return errors.New("expected files with the output of go test -json, got none")
	}
	facts, err := fidelity.Facts()
	if err != nil {
		return err
	}
	tests := fidelity.NewRun()
	for _, name := range files {
		if err := read(tests, name); err != nil {
			return err
		}
	}
	table, err := fidelity.Table(facts, tests)
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(target, []byte(table), 0o644) //nolint:gosec // a document for everybody
	}
	have, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	if string(have) != table {
		return fmt.Errorf("%s is out of date: run go test -json ./... >FILE and go run ./internal/fidelity/write FILE", target)
	}
	return nil
}

func read(tests *fidelity.Run, name string) (err error) {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return tests.Read(in)
}
