package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/journal"
)

// visit is an entry of the journal and what happened on its account.
type visit struct {
	journal.Entry
	below []*visit
	times int // how many visits alike this one stands for
}

// depths say who calls whom: the smaller calls the greater.
var depths = map[journal.Kind]int{journal.Rails: 0, journal.CustomersDot: 1, journal.Gateway: 2, journal.Backend: 3}

// keyFetch reports whether somebody asked an issuer for its keys.
func (v *visit) keyFetch() bool {
	return strings.HasPrefix(v.Route, "openid.")
}

func (v *visit) job() bool { return strings.HasPrefix(v.Route, "job:") }

func (v *visit) depth() int {
	if v.keyFetch() {
		return len(depths) // whoever needs keys asks for them itself
	}
	return depths[v.Kind]
}

// callTrees puts the entries of a step in order: those of one request below one another.
// A service writes its entry when it has answered, so whoever it asked comes before it;
// only the outermost may be late, and are looked for at the end.
func callTrees(entries []journal.Entry) []*visit {
	var order []string
	byRequest := map[string][]*visit{}
	for n, e := range entries {
		id := e.RequestID
		if id == "" {
			id = fmt.Sprintf("entry %d", n)
		}
		if byRequest[id] == nil {
			order = append(order, id)
		}
		byRequest[id] = append(byRequest[id], &visit{Entry: e, times: 1})
	}
	var roots []*visit
	for _, id := range order {
		for _, root := range nest(byRequest[id]) {
			roots = join(roots, root)
		}
	}
	return roots
}

// nest makes trees of the entries of one request.
func nest(visits []*visit) []*visit {
	var pending []*visit
	for _, v := range visits {
		first := len(pending)
		for first > 0 && pending[first-1].depth() > v.depth() {
			first--
		}
		v.below = slices.Clone(pending[first:])
		pending = append(pending[:first], v)
	}
	// What is left beside the outermost was written too late.
	outermost := slices.MinFunc(pending, func(a, b *visit) int { return cmp.Compare(a.depth(), b.depth()) })
	roots := []*visit{}
	for _, v := range pending {
		if v == outermost || v.depth() == outermost.depth() {
			roots = append(roots, v)
			continue
		}
		parent := outermost
		for len(parent.below) > 0 && parent.below[len(parent.below)-1].depth() < v.depth() {
			parent = parent.below[len(parent.below)-1]
		}
		first := len(parent.below)
		for first > 0 && parent.below[first-1].depth() > v.depth() {
			first--
		}
		v.below = append(v.below, parent.below[first:]...)
		parent.below = append(parent.below[:first:first], v)
	}
	return roots
}

// join adds a tree. Runs of a job that went alike are told once.
func join(roots []*visit, v *visit) []*visit {
	if v.job() {
		if n := slices.IndexFunc(roots, v.alike); n >= 0 {
			roots[n].times++
			return roots
		}
	}
	return append(roots, v)
}

// alike reports whether the same happened in two visits, down to the last. What failed for
// the same reason did, though the words may count the tries.
func (v *visit) alike(other *visit) bool {
	return v.Service == other.Service && v.Route == other.Route && v.Status == other.Status && v.Fault == other.Fault &&
		v.Reason == other.Reason && (v.Reason != "" || v.Detail == other.Detail) && v.Issued == nil && other.Issued == nil &&
		slices.EqualFunc(v.below, other.below, (*visit).alike)
}
