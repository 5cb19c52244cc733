package catalog

import (
	"fmt"
	"strings"
	"time"
)

// The clauses of ScopeDecision.Why.

func whyFree(f Facts, d ScopeDecision) string {
	return "it is free until the cut-off (" + moment(*d.CutOff) + "), which is " + relative(*d.CutOff, f.Now)
}

func whyTooLowForFreeAccess(f Facts, d ScopeDecision) string {
	why := running(f.Version, d.Needs) + ", the minimum for free access"
	if d.CutOff != nil {
		why += " until the cut-off (" + moment(*d.CutOff) + ")"
	}
	return why
}

func whyTooLow(f Facts, d ScopeDecision, rule Rule, addOn string) string {
	why := running(f.Version, d.Needs) + ", the minimum since the cut-off (" + moment(*d.CutOff) + ")"
	if rule != RuleAddOn {
		why += ", and " + strings.TrimSuffix(addOn, ",")
	}
	return why
}

func running(v, needs Version) string {
	if v.IsZero() {
		return fmt.Sprintf("the GitLab version is not known to be at least %s", needs)
	}
	return fmt.Sprintf("GitLab %s is below %s", v, needs)
}

func bought(addOns []string) string {
	if len(addOns) == 1 {
		return addOns[0] + " was bought"
	}
	return list(addOns, "and") + " were bought"
}

func notBought(addOns []string) string {
	switch len(addOns) {
	case 1:
		return addOns[0] + " was not bought"
	case 2:
		return "neither " + addOns[0] + " nor " + addOns[1] + " was bought"
	}
	return "none of " + list(addOns, "and") + " was bought"
}

// cutOffPassed is "(2024-02-15) passed 14 days ago".
func cutOffPassed(f Facts, d ScopeDecision) string {
	return "(" + moment(*d.CutOff) + ") passed " + relative(*d.CutOff, f.Now)
}

// cutOffAgo is "(2024-02-15), 14 days ago".
func cutOffAgo(f Facts, d ScopeDecision) string {
	return "(" + moment(*d.CutOff) + "), " + relative(*d.CutOff, f.Now)
}

// moment is a date, with the time of day unless that is midnight.
func moment(t time.Time) string {
	t = t.UTC()
	if t.Equal(day(t)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04 UTC")
}

// relative is how far t is from now: "in 1 hour", "14 days ago".
func relative(t, now time.Time) string {
	distance := t.Sub(now)
	form := "in %s"
	if distance <= 0 {
		distance, form = -distance, "%s ago"
	}
	switch {
	case distance >= 24*time.Hour:
		return fmt.Sprintf(form, plural(int(distance/(24*time.Hour)), "day"))
	case distance >= time.Hour:
		return fmt.Sprintf(form, plural(int(distance/time.Hour), "hour"))
	case distance >= time.Minute:
		return fmt.Sprintf(form, plural(int(distance/time.Minute), "minute"))
	case distance >= time.Second:
		return fmt.Sprintf(form, plural(int(distance/time.Second), "second"))
	case t.After(now):
		return "in less than a second"
	}
	return "just now"
}

// days is how far the date of t is from today's.
func days(t, now time.Time) string {
	switch n := int(day(t).Sub(day(now)) / (24 * time.Hour)); {
	case n == 0:
		return "today"
	case n == 1:
		return "tomorrow"
	case n == -1:
		return "yesterday"
	case n > 0:
		return "in " + plural(n, "day")
	default:
		return plural(-n, "day") + " ago"
	}
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// list is "a, b and c".
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}
