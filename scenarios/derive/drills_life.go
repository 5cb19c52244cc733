package derive

import (
	"fmt"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/token"
)

// GitLab syncs daily between five and seven up to 17.10, at a minute that it draws when it
// starts. From 17.11 on it looks every hour, and syncs when the token lasts less than two
// days.
const (
	dailyFrom    = 5 * time.Hour
	dailyUntil   = 7 * time.Hour
	hourlyFrom   = "17.11.0"
	lastsEnough  = 48 * time.Hour
	dailyVersion = "17.4.0"
)

// lives are the whole life of an instance's token against the sync schedule, of each of
// the two schedules that the feature's versions know.
func (d deriver) lives() []drill {
	newest := d.newVersion()
	all := []drill{{
		"token-life-hourly", "The life of a token of GitLab " + newest + ", which looks every hour and syncs when two days are left: issue, use, each sync, three days of missed syncs, and recovery.",
		func(r *rotation) { r.life(newest, false) },
	}}
	daily := numbers(dailyVersion)
	for _, m := range d.minimums() {
		if n := numbers(m); compare(n, daily) > 0 {
			daily = n
		}
	}
	if version := fmt.Sprintf("%d.%d.%d", daily[0], daily[1], daily[2]); compare(daily, numbers(hourlyFrom)) < 0 {
		all = append(all, drill{
			"token-life-daily", "The life of a token of GitLab " + version + ", which syncs every day between five and seven: issue, use, each sync, three days of missed syncs, and recovery.",
			func(r *rotation) { r.life(version, true) },
		})
	}
	return all
}

// life begins at seven in the morning, when the day's sync is over.
func (r *rotation) life(version string, daily bool) {
	r.issuer = customersDot
	r.given = r.begin(version)
	gone := r.withoutToken(version)
	good := whoAnswers{ruling: accepted}
	ttl := r.issuer.ttl

	r.sync("the instance syncs for the first time")
	r.use("the token is used", good)
	if daily {
		for day := 1; day <= 2; day++ {
			r.advance(24*time.Hour - (dailyUntil - dailyFrom))
			r.stored(fmt.Sprintf("at five of day %d it has not synced again", day), day)
			r.advance(dailyUntil - dailyFrom)
			r.stored("at seven it has, and keeps what has not expired", day+1)
			r.use("the token is used", good)
		}
	} else {
		r.advance(ttl - lastsEnough)
		r.stored("the token lasts two days, so nothing has been synced", 1)
		r.advance(time.Hour)
		r.stored("within the hour another one has been", 2)
		r.use("the token is used", good)
		r.advance(ttl - lastsEnough - time.Hour) // the hourly look was not at its beginning
		r.stored("that one lasts two days, too", 2)
		r.advance(2 * time.Hour)
		r.stored("and then does not", 3)
		r.use("the token is used", good)
	}

	r.issue("last")
	r.add("from now on no sync is run", object{{"jobs", object{{"instance", selfHosted}, {"run", false}}}})
	for range 2 {
		r.advance(24 * time.Hour)
		r.use("a sync is missed, and nobody notices", good)
	}
	r.advance(24*time.Hour - time.Second)
	r.use("the third is, and the token has a second left", good)
	r.advance(time.Second)
	r.use("three days after the last sync it is over", gone)
	end := no(token.Expired)
	if r.tooOld() > 0 {
		end = accepted
	}
	r.call("to the backend, at its expiry", "last", end, uncounted)
	r.advance(time.Second)
	r.call("and a second later", "last", no(token.Expired), uncounted)
	r.use("nobody can use the feature", gone)
	r.add("syncs are run again", object{{"jobs", object{{"instance", selfHosted}, {"run", true}}}})
	if daily {
		r.advance(24*time.Hour - (dailyUntil - dailyFrom) - time.Second)
		r.use("until the next is due", gone)
		r.advance(dailyUntil - dailyFrom)
	} else {
		r.use("until the next is due", gone)
		r.advance(time.Hour)
	}
	r.use("the next one brings a token", good)
	r.stored("and expired ones are gone", 1)
}

// begin is the world at seven in the morning, the instance at the given version.
func (r *rotation) begin(version string) object {
	given := r.drillWorld()
	changed := make(object, 0, len(given))
	for _, m := range given {
		switch text, isText := m.value.(string); {
		case m.key == "now" && isText:
			day, _, _ := strings.Cut(text, "T")
			m.value = day + "T07:00:00Z"
		case m.key == "instances":
			of, _ := m.value.(object)
			instances := append(object{}, of...)
			for n, i := range instances {
				if settings, ok := i.value.(object); ok && i.key == selfHosted {
					instances[n].value = settings.set("gitlab_version", version)
				}
			}
			m.value = instances
		}
		changed = append(changed, m)
	}
	return changed
}

// sync has the instance sync by hand.
func (r *rotation) sync(name string) {
	r.add(name, object{
		{"sync", object{{"instance", selfHosted}, {"force", true}}},
		{"expect", object{{"token", object{{"ttl", span(r.issuer.ttl)}, {"issuer", r.issuer.service}}}}},
	})
}

// stored looks at how many tokens the instance has, none of which has expired.
func (r *rotation) stored(name string, tokens int) {
	r.add(name, object{
		{"stored", selfHosted},
		{"expect", object{{"stored", object{{"tokens", tokens}, {"expired", 0}}}}},
	})
}

// whoAnswers is what a user gets, and who says it where that is not the backend.
type whoAnswers struct {
	ruling
	by string // empty: the backend
}

// withoutToken is what users of an instance without a token get. From 18.3 on, and for Duo
// Chat, GitLab makes the call all the same, with an empty bearer, which the backend refuses.
func (r *rotation) withoutToken(version string) whoAnswers {
	if isDuoChat(r.feature) || compare(numbers(version), numbers("18.3.0")) >= 0 {
		return whoAnswers{ruling: no(token.NoToken)}
	}
	return whoAnswers{ruling: ruling{status: 401, says: "401 Unauthorized", reason: token.NoToken}, by: selfHosted}
}

// use has the user of the instance use the feature.
func (r *rotation) use(name string, want whoAnswers) {
	use := object{{"feature", r.feature.Name}, {"as", r.issuer.user}}
	if body := useBody(r.feature); body != nil {
		use = use.with("body", body)
	}
	expect := r.expected(want.ruling)
	if isDuoChat(r.feature) {
		told := tell(answer{status: want.status})
		expect = expect.set("status", told.status)
		if told.body != nil {
			expect = expect.set("body", told.body)
		}
	}
	if want.by != "" {
		expect = object{
			{"status", want.status},
			{"body", object{{"message", want.says}}},
			{"refused", object{{"by", want.by}, {"reason", string(want.reason)}}},
			{"calls", object{{r.feature.Backend.Name, 0}}},
		}
	}
	r.add(name, object{{"use", use}, {"expect", expect}})
}
