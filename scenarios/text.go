package scenarios

import (
	"fmt"
	"strings"
	"time"
)

// length is a duration as a flow writes it: 2h, 1d12h, 90s.
func length(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	days := ""
	if d >= 24*time.Hour {
		days = fmt.Sprintf("%dd", d/(24*time.Hour))
		d %= 24 * time.Hour
	}
	rest := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(rest, zero) {
			rest = rest[:len(rest)-2]
		}
	}
	if rest == "0s" && days != "" {
		rest = ""
	}
	return sign + days + rest
}

// quantity is a number of things: 1 step, 2 steps.
func quantity(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
