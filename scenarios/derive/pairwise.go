package derive

// A row picks one value of each factor, by its number.
type row []int

// product lists every row that is allowed, the last factor changing fastest. Sizes are
// how many values each factor has.
func product(sizes []int, allowed func(row) bool) []row {
	rows := []row{{}}
	for _, size := range sizes {
		longer := make([]row, 0, len(rows)*size)
		for _, r := range rows {
			for value := range size {
				longer = append(longer, append(append(make(row, 0, len(sizes)), r...), value))
			}
		}
		rows = longer
	}
	kept := rows[:0]
	for _, r := range rows {
		if allowed(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// pair is a value of one factor together with a value of a later one.
type pair struct{ factor, value, later, with int }

func (r row) pairs() []pair {
	var found []pair
	for a := range r {
		for b := a + 1; b < len(r); b++ {
			found = append(found, pair{a, r[a], b, r[b]})
		}
	}
	return found
}

// pairwise picks rows of a product such that every pair of values that occurs in the
// product occurs in a picked row. It is greedy: the next row is always the first of those
// that show most pairs not seen yet. The same product gives the same rows.
func pairwise(all []row) []row {
	missing := map[pair]bool{}
	for _, r := range all {
		for _, p := range r.pairs() {
			missing[p] = true
		}
	}
	var picked []row
	for len(missing) > 0 {
		best, most := row(nil), 0
		for _, r := range all {
			fresh := 0
			for _, p := range r.pairs() {
				if missing[p] {
					fresh++
				}
			}
			if fresh > most {
				best, most = r, fresh
			}
		}
		for _, p := range best.pairs() {
			delete(missing, p)
		}
		picked = append(picked, best)
	}
	return picked
}
