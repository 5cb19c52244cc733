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

// pairs numbers every pair of values of two factors.
type pairs struct{ first, values []int }

func newPairs(rows []row) pairs {
	var p pairs
	for n := range rows[0] {
		most := 0
		for _, r := range rows {
			most = max(most, r[n])
		}
		p.first = append(p.first, total(p.values))
		p.values = append(p.values, most+1)
	}
	return p
}

func total(numbers []int) int {
	sum := 0
	for _, n := range numbers {
		sum += n
	}
	return sum
}

// of lists the numbers of a row's pairs.
func (p pairs) of(r row) []int {
	all := total(p.values)
	found := make([]int, 0, len(r)*(len(r)-1)/2)
	for a := range r {
		for b := a + 1; b < len(r); b++ {
			found = append(found, (p.first[a]+r[a])*all+p.first[b]+r[b])
		}
	}
	return found
}

// pairwise picks rows of a product such that every pair of values that occurs in the
// product occurs in a picked row. It is greedy: the next row is always the first of those
// that show most pairs not seen yet. The same product gives the same rows.
func pairwise(all []row) []row {
	if len(all) == 0 {
		return nil
	}
	numbers := newPairs(all)
	missing, left := make([]bool, total(numbers.values)*total(numbers.values)), 0
	shown := make([][]int, len(all))
	for n, r := range all {
		shown[n] = numbers.of(r)
		for _, p := range shown[n] {
			if !missing[p] {
				missing[p] = true
				left++
			}
		}
	}
	var picked []row
	for left > 0 {
		best, most := 0, 0
		for n := range all {
			fresh := 0
			for _, p := range shown[n] {
				if missing[p] {
					fresh++
				}
			}
			if fresh > most {
				best, most = n, fresh
			}
		}
		for _, p := range shown[best] {
			missing[p] = false
		}
		left -= most
		picked = append(picked, all[best])
	}
	return picked
}
