package strictyaml_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

type color string

func (c *color) UnmarshalText(text []byte) error {
	if string(text) == "mauve" {
		return errors.New("no such color")
	}
	if string(text) == "gren" {
		return strictyaml.Unknown("color", "gren", []string{"green"})
	}
	*c = color(text)
	return nil
}

type Common struct {
	Name string `yaml:"name,required"`
	Note string `yaml:"note"`
}

type expect struct {
	Status int            `yaml:"status"`
	Body   map[string]any `yaml:"body"`
}

type syncStep struct {
	Instance string `yaml:"instance,short,required"`
	Force    bool   `yaml:"force"`
}

type step struct {
	Use    string    `yaml:"use"`
	Expect *expect   `yaml:"expect"`
	Sync   *syncStep `yaml:"sync"`
}

type story struct {
	Common   `yaml:",inline"`
	Format   int                  `yaml:"format,required"`
	Version  string               `yaml:"version"`
	Ratio    float64              `yaml:"ratio"`
	On       bool                 `yaml:"on"`
	Small    uint8                `yaml:"small"`
	Color    color                `yaml:"color"`
	Colors   map[color]*color     `yaml:"colors"`
	Codes    map[int]string       `yaml:"codes"`
	At       time.Time            `yaml:"at"`
	Until    *time.Time           `yaml:"until,nullable"`
	Wait     time.Duration        `yaml:"wait"`
	Tags     []string             `yaml:"tags"`
	Steps    []step               `yaml:"steps"`
	Users    map[string]*Common   `yaml:"users"`
	Free     any                  `yaml:"free"`
	Block    *strictyaml.Document `yaml:"block"`
	Untagged string
	Hidden   string `yaml:"-"`
	private  string
}

func decode(t *testing.T, text string) (story, error) {
	t.Helper()
	var s story
	err := parse(t, text).Decode(&s)
	require.Empty(t, s.private)
	return s, err
}

func TestDecodeFillsEverything(t *testing.T) {
	got, err := decode(t, strings.Join([]string{
		"name: Ada",
		"format: 1",
		"version: '16.10'",
		"ratio: 2",
		"on: true",
		"small: 0xff",
		"color: red",
		"colors: {red: green, blue: null}",
		"codes: {200: ok}",
		"at: 2024-02-15 00:00:00 UTC",
		"until:",
		"wait: 1d12h",
		"tags: [a, 'b: c', \"d\\n\", e f]",
		"steps:",
		"  - use: x",
		"    expect: {status: 200, body: {id: 7, big: 12345678901, pi: 3.5, exp: 1e3, ok: true, no: null, list: [1, {a: b}]}}",
		"  - sync: acme",
		"  - sync: {instance: acme, force: true}",
		"users: {ada: {name: A}}",
		"free: [2024-02-15, 16.9.2, yes]",
		"block: {anything: 1}",
		"untagged: |",
		"  two",
		"  lines",
		"",
	}, "\n"))
	require.NoError(t, err)
	at := time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC)
	green := color("green")
	block := got.Block
	got.Block = nil
	require.Equal(t, story{
		Common: Common{Name: "Ada"}, Format: 1, Version: "16.10", Ratio: 2, On: true, Small: 255,
		Color: "red", Colors: map[color]*color{"red": &green, "blue": nil}, Codes: map[int]string{200: "ok"},
		At: at, Wait: 36 * time.Hour, Tags: []string{"a", "b: c", "d\n", "e f"},
		Steps: []step{
			{Use: "x", Expect: &expect{Status: 200, Body: map[string]any{
				"id": int64(7), "big": int64(12345678901), "pi": 3.5, "exp": 1000.0, "ok": true, "no": nil,
				"list": []any{int64(1), map[string]any{"a": "b"}},
			}}},
			{Sync: &syncStep{Instance: "acme"}},
			{Sync: &syncStep{Instance: "acme", Force: true}},
		},
		Users: map[string]*Common{"ada": {Name: "A"}}, Free: []any{"2024-02-15", "16.9.2", "yes"},
		Untagged: "two\nlines\n",
	}, got)
	require.Equal(t, []string{"anything"}, block.Keys(""))
	require.Equal(t, "block", block.Path())
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "nam: x", `3:1: unknown key "nam" (did you mean "name"?)`},
		{"unknown key, nothing near", "steps: [{sync: {x: 1, instance: a}}]", `3:17: steps[0].sync: unknown key "x" (known: instance, force)`},
		{"unknown key, one level down", "steps:\n  - expect:\n      satus: 1", `5:7: steps[0].expect: unknown key "satus" (did you mean "status"?)`},
		{"unknown key in a map of structs", "users:\n  ada:\n    naem: x\n    name: y", `5:5: users.ada: unknown key "naem" (did you mean "name"?)`},
		{"too deep by a level", "steps:\n  - expect:\n      use: x", `5:7: steps[0].expect: unknown key "use" (it belongs further out: check the indentation)`},
		{"not deep enough", "steps:\n  - expect:\n      body: {}\n    status: 200", `6:5: steps[0]: unknown key "status" (it belongs inside "expect": check the indentation)`},
		{"block lost its content", "steps:\n  - use: x\n    expect:", `5:5: steps[0].expect: expected a block of keys, got nothing (what belongs to it must be indented deeper than it)`},
		{"list lost its content", "tags:", `3:1: tags: expected a list, got nothing (what belongs to it must be indented deeper than it)`},
		{"null", "tags: null", `3:7: tags: expected a list, got nothing (remove the key)`},
		{"no text", "note:", `3:1: note: expected a string, got nothing (write '' for an empty text, or remove the key)`},
		{"no number", "small:", `3:1: small: expected a whole number, got nothing (remove the key if nothing is meant)`},
		{"twice", "note: a\nnote: b", `4:1: key "note" is given twice, first at line 3`},
		{"twice in a free block", "free: {a: 1, a: 2}", `3:14: free: key "a" is given twice, first at line 3`},
		{"version without quotes", "version: 16.10", `3:10: version: expected a string, got the number 16.10 (quote it: '16.10'; without quotes 16.10 is read as the number 16.1)`},
		{"version that loses nothing", "version: 16.8", `3:10: version: expected a string, got the number 16.8 (quote it: '16.8')`},
		{"whole number for a string", "version: 16", `3:10: version: expected a string, got the number 16 (quote it: '16')`},
		{"truth for a string", "note: true", `3:7: note: expected a string, got true (quote it: 'true')`},
		{"list for a string", "note: [a]", `3:1: note: expected a string, got a list`},
		{"text for a number", "small: many", `3:8: small: expected a whole number, got the string "many"`},
		{"quoted number", "small: '1'", `3:8: small: expected a whole number, got the string "1" (remove the quotes)`},
		{"fraction for a whole number", "small: 1.5", `3:8: small: expected a whole number, got the number 1.5`},
		{"negative", "small: -1", `3:8: small: expected a whole number that is not negative, got the number -1`},
		{"out of range", "small: 256", `3:8: small: the number 256 is out of range`},
		{"far out of range", "small: 99999999999999999999", `3:8: small: the number 99999999999999999999 is out of range`},
		{"leading zero", "small: 010", `3:8: small: the number 010 has a leading zero, which some read as octal`},
		{"text for a ratio", "ratio: half", `3:8: ratio: expected a number, got the string "half"`},
		{"infinite ratio", "ratio: .inf", `3:8: ratio: ".inf" is no number that JSON could hold`},
		{"not a number", "free: .nan", `3:7: free: ".nan" is no number that JSON could hold (quote it: '.nan')`},
		{"yes", "on: yes", `3:5: on: expected true or false, got the string "yes" (write true)`},
		{"off", "on: 'Off'", `3:5: on: expected true or false, got the string "Off" (write false)`},
		{"bad date", "at: 2024-02-30", `3:5: at: no such date or time: "2024-02-30"`},
		{"no date", "at: soon", `3:5: at: expected a time such as 2024-02-15 00:00:00 UTC, 2024-02-15T00:00:00Z or 2024-02-15, got "soon"`},
		{"number for a date", "at: 2024", `3:5: at: expected a time such as 2024-02-15 00:00:00 UTC, got the number 2024`},
		{"bare duration", "wait: 5", `3:7: wait: expected a duration such as 90s, 2h or 3d, got the number 5 (add the unit: 5s, 5m, 5h or 5d)`},
		{"bad duration", "wait: 5 hours", `3:7: wait: expected a duration such as 90s, 2h30m or 3d, got "5 hours"`},
		{"text refused", "color: mauve", `3:8: color: no such color`},
		{"text refused with a hint", "color: gren", `3:8: color: unknown color "gren" (did you mean "green"?)`},
		{"number for a text", "color: 12.50", `3:8: color: expected a string, got the number 12.50 (quote it: '12.50'; without quotes 12.50 is read as the number 12.5)`},
		{"key refused", "colors: {mauve: red}", `3:10: colors.mauve: no such color`},
		{"word for a number key", "codes: {ok: fine}", `3:9: codes.ok: expected a whole number, got the string "ok"`},
		{"scalar for a list", "tags: a", `3:7: tags: expected a list, got the string "a" (write [a])`},
		{"block for a list", "tags: {a: 1}", `3:1: tags: expected a list, got a block of keys`},
		{"list for a block", "users: [a]", `3:1: users: expected a block of keys, got a list`},
		{"scalar for a struct", "steps: [{expect: 200}]", `3:18: steps[0].expect: expected a block of keys, got the number 200 (known: status, body)`},
		{"short form of the wrong type", "steps: [{sync: 5}]", `3:16: steps[0].sync: expected a string, got the number 5 (quote it: '5')`},
		{"missing key, one level down", "users: {ada: {note: x}}", `3:9: users.ada: key "name" is missing`},
		{"missing key in a list", "steps:\n  - sync: {force: true}", `4:5: steps[0].sync: key "instance" is missing`},
		{"hidden field", "hidden: x", `3:1: unknown key "hidden" (known: name, note, format, version, ratio, on, small, color, colors, codes, at, until, wait, tags, steps, users, free, block, untagged)`},
		{"private field", "privat: x", `3:1: unknown key "privat" (known: name, note, format, version, ratio, on, small, color, colors, codes, at, until, wait, tags, steps, users, free, block, untagged)`},
		{"unknown anchor", "note: *nope", `3:7: note: no anchor is called "nope" (an anchor is written &nope, above its first use)`},
		{"anchor in itself", "free: &a [*a]", `3:11: free[0]: *a stands inside the value that it names`},
		{"tag", "note: !secret x", `3:7: note: tag "!secret" is not known here (remove it)`},
		{"merge of a list", "free: {<<: [[a]]}", `3:13: free: << takes a block or a list of blocks, got a list`},
		{"merge of a scalar", "free: {<<: a}", `3:12: free: << takes a block or a list of blocks, got the string "a" (write <<: *name, with &name at the block)`},
		{"key that is an alias of a list", "free: [&a [x], {*a : 1}]", `3:17: free[1]: a key must be a single word, not a list or a block`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decode(t, "name: x\nformat: 1\n"+c.text+"\n")
			require.Equal(t, []string{"a.yaml:" + c.want}, lines(err))
		})
	}
}

func TestDecodeLeavesDefaults(t *testing.T) {
	s := story{Common: Common{Note: "kept"}, Small: 3}
	require.NoError(t, parse(t, "name: x\nformat: 1\nsmall: 4\n").Decode(&s))
	require.Equal(t, "kept", s.Note)
	require.Equal(t, uint8(4), s.Small)
}

func TestParseTime(t *testing.T) {
	want := time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC)
	for _, s := range []string{
		"2024-02-15 00:00:00 UTC", "2024-02-15", "2024-02-15T00:00:00Z", "2024-02-15T00:00:00+00:00", "2024-02-15T02:00:00+02:00",
		"2024-02-15 00:00:00", "2024-02-15T00:00:00", "2024-02-15 00:00:00Z", "2024-02-15 01:00:00 +0100", "2024-02-15 01:00:00 +01:00",
		"2024-02-15 UTC", "2024-02-15 00:00:00 GMT", "2024-02-15T00:00:00.000Z",
	} {
		got, err := strictyaml.ParseTime(s)
		require.NoError(t, err, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{
		"", "today", "15.02.2024", "2024-2-15", "2024-02-15 00:00", "2024-02-15 00:00:00 PST", "2024-13-01", "2024-02-30 00:00:00 UTC",
		"2024-02-15 24:00:01 UTC", "20240215", "2024-02-15 00:00:00 UTC UTC",
	} {
		_, err := strictyaml.ParseTime(s)
		require.Error(t, err, s)
	}
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for s, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "2h30m": 150 * time.Minute, "3d": 3 * day, "1d12h": 36 * time.Hour, "-3d": -3 * day, "+1d": day,
		"0.5d": 12 * time.Hour, "0": 0, "-1d1h": -25 * time.Hour, "14d1s": 14*day + time.Second,
	} {
		got, err := strictyaml.ParseDuration(s)
		require.NoError(t, err, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "d", "3", "3 d", "d3", "1h1d", "1d-1h", "--1d", "1e3d", "NaNd", "infd", "0x1d", "99999999d", "50000d2400000h", "2 hours"} {
		_, err := strictyaml.ParseDuration(s)
		require.Error(t, err, s)
	}
	_, err := strictyaml.ParseDuration("106751d")
	require.Error(t, err, "beyond half of %d", int64(math.MaxInt64))
}
