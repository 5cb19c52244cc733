package strictyaml

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

func (d *decoder) scalar(n *node, v reflect.Value, p place) {
	t := v.Type()
	switch t.Kind() {
	case reflect.String:
		if n.kind != kindString {
			d.mismatch(n, "a string", p, n.quoteHint())
			return
		}
		v.SetString(n.text)
	case reflect.Bool:
		b, ok := n.boolean()
		if !ok {
			d.mismatch(n, describeType(t), p, n.boolHint())
			return
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		d.integer(n, v, p)
	case reflect.Float32, reflect.Float64:
		if n.kind != kindInt && n.kind != kindFloat {
			d.mismatch(n, describeType(t), p, n.unquoteHint())
			return
		}
		switch number, err := n.number(); {
		case err != nil:
			d.problem(n.at, p.path, err.Error(), "")
		case number != nil:
			v.Set(reflect.ValueOf(number).Convert(t))
		}
	default:
		d.problem(n.at, p.path, fmt.Sprintf("a %s cannot be read from YAML", t), "")
	}
}

func (d *decoder) integer(n *node, v reflect.Value, p place) {
	t := v.Type()
	if n.kind != kindInt {
		d.mismatch(n, describeType(t), p, n.unquoteHint())
		return
	}
	if u, err := strconv.ParseUint(n.text, 10, 64); err == nil && u > math.MaxInt64 && v.CanUint() && !v.OverflowUint(u) {
		v.SetUint(u) // number goes no further than int64
		return
	}
	number, err := n.number()
	if err != nil {
		d.problem(n.at, p.path, err.Error(), "")
		return
	}
	i, whole := number.(int64)
	switch {
	case whole && v.CanInt() && !v.OverflowInt(i):
		v.SetInt(i)
	case whole && v.CanUint() && i >= 0 && !v.OverflowUint(uint64(i)):
		v.SetUint(uint64(i))
	case whole && v.CanUint() && i < 0:
		d.mismatch(n, "a whole number that is not negative", p, "")
	default:
		d.problem(n.at, p.path, fmt.Sprintf("the number %s is out of range", n.shown()), "")
	}
}

func (d *decoder) time(n *node, v reflect.Value, p place) {
	if n.kind != kindString {
		d.mismatch(n, describeType(timeType), p, "")
		return
	}
	t, err := ParseTime(n.text)
	if err != nil {
		d.problem(n.at, p.path, err.Error(), "")
		return
	}
	v.Set(reflect.ValueOf(t))
}

func (d *decoder) duration(n *node, v reflect.Value, p place) {
	if n.kind == kindInt && strings.Trim(n.text, "+-0") == "" {
		v.SetInt(0)
		return
	}
	if n.kind != kindString {
		hint := ""
		if n.kind == kindInt || n.kind == kindFloat {
			hint = fmt.Sprintf("add the unit: %ss, %sm, %sh or %sd", n.text, n.text, n.text, n.text)
		}
		d.mismatch(n, describeType(durationType), p, hint)
		return
	}
	length, err := ParseDuration(n.text)
	if err != nil {
		d.problem(n.at, p.path, err.Error(), "")
		return
	}
	v.SetInt(int64(length))
}

// ParseTime reads an instant or a date: "2024-02-15 00:00:00 UTC", as
// cloud_connector.yml has it, RFC 3339, or "2024-02-15". Without a zone it is
// UTC; the result is always in UTC.
func ParseTime(s string) (time.Time, error) {
	const dateTime = "2006-01-02 15:04:05"
	layouts := []string{
		time.RFC3339, time.DateOnly, dateTime + "Z07:00", dateTime + " Z07:00", dateTime + " -0700",
		dateTime, "2006-01-02T15:04:05",
	}
	bare := s
	for _, zone := range []string{" UTC", " GMT"} {
		if cut, ok := strings.CutSuffix(s, zone); ok {
			bare, layouts = cut, []string{dateTime, "2006-01-02T15:04:05", time.DateOnly}
		}
	}
	for _, layout := range layouts {
		t, err := time.Parse(layout, bare)
		if err == nil {
			return t.UTC(), nil
		}
		if problem := new(time.ParseError); errors.As(err, &problem) && strings.Contains(problem.Message, "out of range") {
			return time.Time{}, fmt.Errorf("no such date or time: %q", s)
		}
	}
	return time.Time{}, fmt.Errorf("expected a time such as 2024-02-15 00:00:00 UTC, 2024-02-15T00:00:00Z or 2024-02-15, got %q", s)
}

// ParseDuration reads what time.ParseDuration does, and days of 24 hours in
// front: "90s", "2h30m", "3d", "1d12h", "-3d".
func ParseDuration(s string) (time.Duration, error) {
	wrong := fmt.Errorf("expected a duration such as 90s, 2h30m or 3d, got %q", s)
	sign, rest := "", s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		sign, rest = rest[:1], rest[1:]
	}
	days, clock, found := strings.Cut(rest, "d")
	if !found {
		length, err := time.ParseDuration(s)
		if err != nil {
			return 0, wrong
		}
		return length, nil
	}
	count, err := strconv.ParseFloat(days, 64)
	if err != nil || strings.ContainsAny(days, "+-eExXpP_iInN") || strings.ContainsAny(clock, "+-") {
		return 0, wrong
	}
	length := count * float64(24*time.Hour)
	if length > math.MaxInt64/2 {
		return 0, fmt.Errorf("the duration %q is too long", s)
	}
	total := time.Duration(length)
	if clock != "" {
		more, err := time.ParseDuration(clock)
		if err != nil {
			return 0, wrong
		}
		if total += more; total < 0 {
			return 0, fmt.Errorf("the duration %q is too long", s)
		}
	}
	if sign == "-" {
		total = -total
	}
	return total, nil
}

func (n *node) boolean() (value, ok bool) {
	return n.kind == kindBool && strings.EqualFold(n.text, "true"), n.kind == kindBool
}

// number is a kindInt or kindFloat as int64 or float64.
func (n *node) number() (any, error) {
	text := strings.ReplaceAll(n.text, "_", "")
	if n.kind == kindInt {
		bare := strings.TrimLeft(text, "+-")
		if len(bare) > 1 && bare[0] == '0' && bare[1] >= '0' && bare[1] <= '9' {
			return nil, fmt.Errorf("the number %s has a leading zero, which some read as octal", n.text)
		}
		if i, err := strconv.ParseInt(text, 0, 64); err == nil {
			return i, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("%q is no number that JSON could hold", n.text)
	}
	return f, nil
}
