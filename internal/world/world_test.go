package world_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/world"
)

var now = time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)

func given() world.World {
	return world.World{
		Now: now,
		Instances: []world.Instance{
			{Name: "globex", Realm: world.SelfManaged, Dedicated: true},
			{Name: "acme", Realm: world.SelfManaged, License: &catalog.License{}},
		},
		Users: []world.User{{Name: "bob", Instance: "globex"}, {Name: "ada", Instance: "acme"}},
	}
}

func TestCompleteFillsInTheSameEveryTime(t *testing.T) {
	a, b := given(), given()
	require.Empty(t, a.Complete())
	require.Empty(t, b.Complete())
	require.Equal(t, a, b)

	acme, ok := a.Instance("acme")
	require.True(t, ok)
	require.Equal(t, world.DefaultVersion, acme.GitLabVersion)
	require.Len(t, acme.DBKeyBase, 128)
	require.NotEmpty(t, acme.UUID)
	require.Equal(t, catalog.OnlineCloud, acme.License.Kind)
	require.Equal(t, now.AddDate(1, 0, 0), acme.License.ExpiresAt)
	require.Equal(t, "acme.test", acme.Host())
	require.Regexp(t, `^[0-9A-F]{24}$`, acme.ActivationCode())

	gitlab, ok := a.Instance(world.GitLabCom)
	require.True(t, ok, "GitLab.com is always there")
	require.Equal(t, world.SaaS, gitlab.Realm)
	require.NotEqual(t, acme.UUID, gitlab.UUID)

	ada, ok := a.User("ada")
	require.True(t, ok)
	require.Equal(t, 1, ada.ID, "users are numbered by name")
	require.Equal(t, "glpat-ada", ada.Token)
	require.Equal(t, []string{"api"}, ada.TokenScopes)
	_, ok = a.User("eve")
	require.False(t, ok)
}

func TestCompleteTwiceChangesNothing(t *testing.T) {
	a := given()
	require.Empty(t, a.Complete())
	b := a
	require.Empty(t, b.Complete())
	require.Equal(t, a, b)
}

func TestCompleteLeavesWhatCopiesShare(t *testing.T) {
	shared := given()
	shared.Instances[1].AddOns = []catalog.Purchase{{AddOn: "duo_pro"}}
	untouched := given()
	untouched.Instances[1].AddOns = []catalog.Purchase{{AddOn: "duo_pro"}}
	mine := shared
	require.Empty(t, mine.Complete())
	require.Equal(t, untouched, shared)
	acme, _ := mine.Instance("acme")
	require.Equal(t, world.DefaultSeats, acme.AddOns[0].Seats)
}

func TestComplaints(t *testing.T) {
	for want, spoil := range map[string]func(*world.World){
		"now: missing": func(w *world.World) { w.Now = time.Time{} },
		`instances.acme.realm: "moon" is not a realm`:                 func(w *world.World) { w.Instances[1].Realm = "moon" },
		`instances.acme.realm: the one saas instance is GitLab.com`:   func(w *world.World) { w.Instances[1].Realm = world.SaaS },
		`instances.gitlab.realm: "gitlab" is GitLab.com`:              func(w *world.World) { w.Instances[1].Name = "gitlab"; w.Users = nil },
		`instances.Acme: "Acme" cannot be an instance's name`:         func(w *world.World) { w.Instances[1].Name = "Acme"; w.Users = nil },
		`instances.acme.gitlab_version`:                               func(w *world.World) { w.Instances[1].GitLabVersion = "sixteen" },
		`instances.globex.uuid: 7 is the uuid of "acme" already`:      func(w *world.World) { w.Instances[0].UUID = "7"; w.Instances[1].UUID = "7" },
		`instances.acme.add_ons[0]`:                                   func(w *world.World) { w.Instances[1].AddOns = []catalog.Purchase{{}} },
		`instances.acme.license`:                                      func(w *world.World) { w.Instances[1].License.Kind = "free" },
		`users.ada.instance: unknown instance "acm" (did you mean "a`: func(w *world.World) { w.Users[1].Instance = "acm" },
		`users.bob.token: it is the token of "ada" already`:           func(w *world.World) { w.Users[0].Token = "glpat-ada" },
	} {
		w := given()
		spoil(&w)
		var all []string
		for _, c := range w.Complete() {
			all = append(all, c.Error())
		}
		require.Contains(t, strings.Join(all, "\n"), want)
	}

	both := given()
	both.Instances[0].Realm, both.Users[0].Instance = "moon", "nowhere"
	require.Len(t, both.Complete(), 2, "all complaints at once")
}

func TestGlobalUserIDIsTheRealFormula(t *testing.T) {
	i := world.Instance{UUID: "8f2b9e1c-0000-4000-8000-000000000001", DBKeyBase: strings.Repeat("k", 32) + "not used"}
	// sha256("8f2b9e1c-0000-4000-8000-000000000001" "42" "kk...k"), worked out with coreutils.
	require.Equal(t, "PJY1BIf4X97hRS7UKFx6e6MZdkAbJVlhF7XDpGbOWb4=", i.GlobalUserID(world.User{ID: 42}))
	raw, err := base64.StdEncoding.DecodeString(i.GlobalUserID(world.User{ID: 42}))
	require.NoError(t, err)
	require.Len(t, raw, 32)
	require.NotEqual(t, i.GlobalUserID(world.User{ID: 42}), i.GlobalUserID(world.User{ID: 43}))
	i.DBKeyBase = "short"
	require.NotPanics(t, func() { i.GlobalUserID(world.User{}) })
}

func TestLicenseKeyRoundTrip(t *testing.T) {
	w := given()
	w.Instances[1].AddOns = []catalog.Purchase{
		{AddOn: "duo_pro", Seats: 5, StartsOn: now, ExpiresOn: now.AddDate(1, 0, 0)},
		{AddOn: "duo_enterprise", Seats: 3, Trial: true},
	}
	require.Empty(t, w.Complete())
	acme, _ := w.Instance("acme")
	key, ok := acme.LicenseKey()
	require.True(t, ok)
	for line := range strings.Lines(key) {
		require.LessOrEqual(t, len(line), 61)
	}
	again, _ := acme.LicenseKey()
	require.Equal(t, key, again)

	file, err := world.ParseLicenseKey("  " + strings.ReplaceAll(key, "\n", "\r\n"))
	require.NoError(t, err)
	require.Equal(t, "acme", file.Subscription)
	require.Equal(t, *acme.License, file.License())
	purchases, err := file.Purchases()
	require.NoError(t, err)
	require.ElementsMatch(t, acme.AddOns, purchases)

	globex, _ := w.Instance("globex")
	_, ok = globex.LicenseKey()
	require.False(t, ok, "who has no licence holds no key")
}

func TestLicenseKindsSurviveTheKey(t *testing.T) {
	for _, kind := range catalog.LicenseKinds() {
		l := catalog.License{Kind: kind, Plan: catalog.PlanPremium, StartsAt: now, NoExpiry: true}
		file, err := world.ParseLicenseKey(world.NewLicenseFile(3, "acme", l, nil).Key())
		require.NoError(t, err)
		require.Equal(t, l, file.License())
		require.Equal(t, 3, file.ID)
	}
}

func FuzzParseLicenseKey(f *testing.F) {
	f.Add(world.NewLicenseFile(1, "acme", catalog.License{}, nil).Key())
	f.Add("")
	f.Add("bm90IGpzb24=")
	f.Add("e30=")
	f.Fuzz(func(t *testing.T, key string) {
		file, err := world.ParseLicenseKey(key)
		if err != nil {
			return
		}
		_, _ = file.Purchases()
		again, err := world.ParseLicenseKey(file.Key())
		require.NoError(t, err)
		require.Equal(t, file.Subscription, again.Subscription)
	})
}
