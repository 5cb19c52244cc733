package world

import (
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
)

// Default is the world of whoever gives none: GitLab.com, a self-managed instance that has
// bought no add-on, a Dedicated one that has Duo Pro, and one user of each.
func Default(now time.Time) World {
	return World{
		Now: now,
		Instances: []Instance{
			{Name: GitLabCom, Realm: SaaS},
			{Name: "acme", Realm: SelfManaged, License: &catalog.License{}},
			{
				Name: "dedicated", Realm: SelfManaged, Dedicated: true, License: &catalog.License{},
				AddOns: []catalog.Purchase{{AddOn: "duo_pro"}},
			},
		},
		Users: []User{
			{Name: "ada", Instance: "acme"},
			{Name: "dora", Instance: "dedicated", Seats: []string{"duo_pro"}},
			{Name: "grace", Instance: GitLabCom},
		},
	}
}
