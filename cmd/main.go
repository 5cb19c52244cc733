package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/scenarios"
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// controlTokenVariable is the environment variable with the control token.
const controlTokenVariable = "CCMOCK_CONTROL_TOKEN"

// Main runs the command that args name, without the program's own name, and returns the
// exit code. It ends soon after ctx does.
func Main(ctx context.Context, args []string, s Streams) int {
	root := newRoot(s)
	err := unknownCommand(root, args)
	if err == nil {
		root.SetArgs(append([]string{}, args...)) // nil would mean the process's own
		err = root.ExecuteContext(ctx)
	}
	return report(s.Err, err)
}

func newRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "ccmock",
		Short: "The Cloud Connector ecosystem on one machine",
		Long: `ccmock is GitLab Rails, CustomersDot, the cloud.gitlab.com gateway and the backends
behind it as stubs that speak the real wire formats, sign real tokens and refuse
what the real ones refuse. It is for tests: nothing here is trusted by GitLab.`,
		Version:       scenarios.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs, // an unknown command is reported by unknownCommand
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetVersionTemplate("ccmock {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newUp(), newTest(), newProbe(), newReplay(), newLint(), newDiff(), newNew(), newSchema(), newToken(), newExplain(), newHealth(), newVersion(),
	)
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	return root
}

// unknownCommand complains about a first word that is no command, be it followed by flags
// that only some command knows.
func unknownCommand(root *cobra.Command, args []string) error {
	for parent := root; ; {
		n := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
		if n < 0 || strings.HasPrefix(args[n], "__") || !parent.HasAvailableSubCommands() {
			return nil
		}
		word := args[n]
		var known []string
		var next *cobra.Command
		for _, c := range parent.Commands() {
			if c.Name() == word || c.HasAlias(word) {
				next = c
			}
			if c.IsAvailableCommand() || c.Name() == "help" {
				known = append(known, c.Name())
			}
		}
		if next == nil {
			err := usagef("unknown command %q for %q", word, parent.CommandPath())
			if near := strictyaml.Suggest(word, known); near != "" {
				return hint(err, "did you mean %q?", near)
			}
			return hint(err, "commands are %s", strings.Join(known, ", "))
		}
		if args = args[n+1:]; word != "help" { // help takes commands of its parent
			parent = next
		}
	}
}

// wrongValue is how the library complains about a flag's value.
var wrongValue = regexp.MustCompile(`^invalid argument (".*") for "(?:-., )?--([a-z-]+)" flag: (.*)$`)

// expectedValue is what a flag takes, by how its parser begins to complain.
var expectedValue = map[string]string{
	"strconv.ParseInt": "a number", "strconv.ParseUint": "a number", "strconv.ParseBool": "true or false",
	"slog:": "debug, info, warn or error",
}

// flagError words what is wrong with flags, and suggests one for a misspelt name.
func flagError(c *cobra.Command, err error) error {
	text := err.Error()
	if m := wrongValue.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("--%s: %s", m[2], m[3])
		for mark, expected := range expectedValue {
			if strings.HasPrefix(m[3], mark) {
				text = fmt.Sprintf("--%s is %s, expected %s", m[2], m[1], expected)
			}
		}
	}
	wrong := usagef("%s", text)
	if name, ok := strings.CutPrefix(text, "unknown flag: --"); ok {
		if near := strictyaml.Suggest(name, flagNames(c)); near != "" {
			return hint(wrong, "did you mean --%s?", near)
		}
	}
	return hint(wrong, "%s --help lists its flags", c.CommandPath())
}

// flagNames lists a command's flags.
func flagNames(c *cobra.Command) []string {
	var names []string
	for line := range strings.Lines(c.Flags().FlagUsages()) {
		if _, rest, ok := strings.Cut(line, "--"); ok {
			names = append(names, strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == '[' })[0])
		}
	}
	return names
}

// controlToken is the token that a flag gives, or else the environment.
func controlToken(flag string) string {
	if flag != "" {
		return flag
	}
	return os.Getenv(controlTokenVariable)
}

// noArgs refuses arguments in the voice of the other errors.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, got %q", c.CommandPath(), args[0])
	}
	return nil
}

// atMostOne refuses a second argument.
func atMostOne(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("%s takes one %s, got %d", c.CommandPath(), what, len(args))
		}
		return nil
	}
}

// line writes one line; a reader that is gone is no reason to fail.
func line(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}
