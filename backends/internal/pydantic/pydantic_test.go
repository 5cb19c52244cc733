package pydantic_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/backends/internal/pydantic"
)

// What pydantic 2.14 was measured to make of these.
func TestLaxMode(t *testing.T) {
	whole, bounded := pydantic.Integer(), pydantic.NumberFrom(0, 1)
	for _, c := range []struct {
		kind  pydantic.Type
		value any
		want  string // what it becomes, or the type of the error
	}{
		{whole, 1e18, "1000000000000000000"},
		{whole, 9.3e18, "int_parsing_size"},
		{whole, 1500.0, "1500"},
		{whole, 1.5, "int_from_float"},
		{whole, math.NaN(), "finite_number"},
		{whole, math.Inf(1), "finite_number"},
		{whole, true, "1"},
		{whole, false, "0"},
		{whole, []any{}, "int_type"},
		{whole, "1_", "int_parsing"},
		{whole, "1_000", "1000"},
		{whole, "1 000", "int_parsing"},
		{whole, "+ 7", "int_parsing"},
		{whole, "--7", "int_parsing"},
		{whole, "1.0_0", "int_parsing"},
		{whole, "1_0.0", "10"},
		{whole, "0_1", "1"},
		{whole, "inf", "int_parsing"},
		{whole, "1e1", "int_parsing"},
		{whole, "  ", "int_parsing"},
		{whole, "7.", "int_parsing"},
		{whole, " -1.0 ", "-1"},
		{whole, "+1.0", "1"},
		{whole, strings.Repeat("9", 4301), "int_parsing_size"},

		{bounded, math.NaN(), "less_than_equal"},
		{bounded, math.Inf(1), "less_than_equal"},
		{bounded, math.Inf(-1), "greater_than_equal"},
		{bounded, " 1 ", "1"},
		{pydantic.Number(), "1_0.5", "10.5"},
		{pydantic.Number(), "1e3", "1000"},
		{pydantic.Number(), "infinity", "+Inf"},
		{pydantic.Number(), "-Infinity", "-Inf"},
		{pydantic.Number(), "0x1p3", "float_parsing"},
		{pydantic.Number(), "1,5", "float_parsing"},
		{pydantic.Number(), "", "float_parsing"},
		{pydantic.Number(), big.NewInt(7), "7"},
		{pydantic.Number(), map[string]any{}, "float_type"},

		{pydantic.Bool(), 1.5, "bool_type"},
		{pydantic.Bool(), 2.0, "bool_parsing"},
		{pydantic.Bool(), 1.0, "true"},
		{pydantic.Bool(), 0.0, "false"},
		{pydantic.Bool(), big.NewInt(2), "bool_parsing"},
		{pydantic.Bool(), math.NaN(), "bool_type"},
		{pydantic.Bool(), "", "bool_parsing"},
		{pydantic.Bool(), "ON", "true"},
		{pydantic.Bool(), "n", "false"},

		{pydantic.Text(3), "äöü", "äöü"},
		{pydantic.Text(3), "äöüß", "string_too_long"},
		{pydantic.Text(0), big.NewInt(7), "string_type"},
	} {
		t.Run(fmt.Sprintf("%T %.20v", c.kind, c.value), func(t *testing.T) {
			got, wrong := pydantic.Check(c.kind, c.value)
			if len(wrong) > 0 {
				require.Equal(t, c.want, wrong[0].Type)
				require.Equal(t, []any{"body"}, wrong[0].Loc)
				return
			}
			require.Equal(t, c.want, fmt.Sprint(got))
		})
	}
}

func TestModels(t *testing.T) {
	m := pydantic.Model("M",
		pydantic.Needs("a", pydantic.Text(0)), pydantic.Takes("b", pydantic.Bool()), pydantic.Defaults("c", pydantic.List(pydantic.Integer(), 1, 2)),
		pydantic.Takes("d", pydantic.Union(pydantic.Text(0), pydantic.List(pydantic.Text(0), 0, 0))))
	got, wrong := pydantic.Check(m, map[string]any{"a": "x", "b": nil, "c": []any{"7"}, "d": []any{"y"}, "other": 1})
	require.Empty(t, wrong)
	require.Equal(t, map[string]any{"a": "x", "c": []any{big.NewInt(7)}, "d": []any{"y"}}, got, "what is null or unknown is left out")
	for _, c := range []struct {
		value any
		want  []string
	}{
		{nil, []string{"body: Field required"}},
		{[]any{}, []string{"body: Input should be a valid dictionary or object to extract fields from"}},
		{map[string]any{"c": nil}, []string{"body.a: Field required", "body.c: Input should be a valid list"}},
		{map[string]any{"a": "x", "c": []any{}}, []string{"body.c: List should have at least 1 item after validation, not 0"}},
		{map[string]any{"a": "x", "c": []any{true, true, true}}, []string{"body.c: List should have at most 2 items after validation, not 3"}},
		{map[string]any{"a": "x", "c": []any{"x", 1.0}}, []string{"body.c.0: Input should be a valid integer, unable to parse string as an integer"}},
		{map[string]any{"a": "x", "d": true}, []string{"body.d.str: Input should be a valid string", "body.d.list[str]: Input should be a valid list"}},
	} {
		_, wrong := pydantic.Check(m, c.value)
		var texts []string
		for _, w := range wrong {
			texts = append(texts, w.String())
		}
		require.Equal(t, c.want, texts)
	}
}

func FuzzCheck(f *testing.F) {
	m := pydantic.Tagged("t", "1", []string{"1", "'x'"}, map[string]pydantic.Type{
		"1":   pydantic.Model("A", pydantic.Takes("v", pydantic.Integer())),
		"'x'": pydantic.Model("B", pydantic.Takes("v", pydantic.Number()), pydantic.Takes("w", pydantic.Bool())),
	})
	f.Add("1", "1_0", 1.5, true)
	f.Add("x", "inf", 1e300, false)
	f.Fuzz(func(t *testing.T, tag, text string, number float64, yes bool) {
		for _, v := range []any{text, number, yes, []any{text, number}, nil} {
			for _, tagged := range []any{tag, number, yes} {
				got, wrong := pydantic.Check(m, map[string]any{"t": tagged, "v": v, "w": v})
				require.NotNil(t, got)
				for _, w := range wrong {
					require.NotEmpty(t, w.Msg)
					require.Equal(t, "body", w.Loc[0])
				}
			}
		}
	})
}
