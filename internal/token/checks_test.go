package token

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

func TestCheckHeaders(t *testing.T) {
	fidelity.Proves(t, "verifier/strict/headers")
	w := newTestWorld(t)
	good := http.Header{RealmHeader: {"self-managed"}, InstanceHeader: {testInstance}, UserHeader: {testUser}}
	for _, c := range []struct {
		name   string
		claims map[string]any
		change func(h http.Header)
		own    bool
		want   Reason
		detail string
	}{
		{name: "good"},
		{name: "realm other", change: func(h http.Header) { h.Set(RealmHeader, "saas") }, want: RealmMismatch, detail: `header X-Gitlab-Realm is "saas", but claim gitlab_realm is "self-managed"`},
		{name: "realm missing", change: func(h http.Header) { h.Del(RealmHeader) }, want: MissingHeader, detail: RealmHeader},
		{name: "realm empty", change: func(h http.Header) { h.Set(RealmHeader, "") }, want: RealmMismatch},
		{name: "realm claim absent", claims: map[string]any{"gitlab_realm": ""}, change: func(h http.Header) { h.Del(RealmHeader) }},
		{name: "instance other", change: func(h http.Header) { h.Set(InstanceHeader, "x") }, want: InstanceMismatch},
		{name: "instance upper case", change: func(h http.Header) { h.Set(InstanceHeader, strings.ToUpper(testInstance)) }, want: InstanceMismatch},
		{name: "instance missing", change: func(h http.Header) { h.Del(InstanceHeader) }, want: MissingHeader},
		{name: "instance twice, one other", change: func(h http.Header) { h.Add(InstanceHeader, "x") }, want: InstanceMismatch},
		{name: "no sub, as GitLab 16 signs", claims: map[string]any{"sub": ""}, change: func(h http.Header) { h.Del(InstanceHeader) }},
		{name: "gitlab_instance_id other", claims: map[string]any{"gitlab_instance_id": "x"}, want: InstanceMismatch, detail: "gitlab_instance_id"},
		{name: "user other", change: func(h http.Header) { h.Set(UserHeader, "x") }},
		{name: "own", claims: map[string]any{"sub": testUser, "gitlab_instance_id": testInstance}, own: true},
		{name: "own, user other", claims: map[string]any{"sub": testUser}, change: func(h http.Header) { h.Set(UserHeader, "x") }, own: true, want: UserMismatch},
		{name: "own, user missing", claims: map[string]any{"sub": testUser}, change: func(h http.Header) { h.Del(UserHeader) }, own: true, want: MissingHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, claims := testKey(t, "portal"), w.claims()
			if c.own {
				key, claims["iss"] = testKey(t, "own"), testAudience
			}
			for name, value := range c.claims {
				claims[name] = value
			}
			v, err := w.verify(w.forge(key, w.header(key), claims))
			require.NoError(t, err)
			h := good.Clone()
			if c.change != nil {
				c.change(h)
			}
			err = v.CheckHeaders(h)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.Contains(t, requireReason(t, c.want, err), c.detail)
		})
	}
}

func TestRequireScope(t *testing.T) {
	fidelity.Proves(t, "verifier/strict/scopes")
	w := newTestWorld(t)
	for _, c := range []struct {
		scopes any
		detail string // "" for granted
	}{
		{[]string{"a", testScope}, ""},
		{[]string{}, `scopes [] do not hold "new_feature_scope"`},
		{[]string{"new_feature_scope_2", "New_Feature_Scope"}, `scopes ["new_feature_scope_2" "New_Feature_Scope"] do not hold "new_feature_scope"`},
		{testScope, "claim scopes must be a list of strings, got a string"},
		{nil, "claim scopes must be a list of strings, got null"},
		{map[string]any{testScope: true}, "claim scopes must be a list of strings, got an object"},
		{[]any{testScope, 1}, "claim scopes must be a list of strings, got a list of others"},
	} {
		t.Run(fmt.Sprint(c.scopes), func(t *testing.T) {
			claims := w.claims()
			claims["scopes"] = c.scopes
			v, err := w.verify(w.forge(testKey(t, "portal"), w.header(testKey(t, "portal")), claims))
			require.NoError(t, err)
			err = v.RequireScope(testScope)
			if c.detail == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, c.detail, requireReason(t, MissingScope, err))
		})
	}
	claims := w.claims()
	delete(claims, "scopes")
	v, err := w.verify(w.forge(testKey(t, "portal"), w.header(testKey(t, "portal")), claims))
	require.NoError(t, err)
	require.Equal(t, `no scopes, expected "new_feature_scope"`, requireReason(t, MissingScope, v.RequireScope(testScope)))
}

func TestCheckAuthType(t *testing.T) {
	require.NoError(t, CheckAuthType(http.Header{AuthTypeHeader: {"oidc"}}))
	for _, values := range [][]string{nil, {""}, {"OIDC"}, {"api-key"}, {"oidc", "oidc"}} {
		requireReason(t, WrongAuthType, CheckAuthType(http.Header{AuthTypeHeader: values}))
	}
}

func TestFromHeader(t *testing.T) {
	for _, c := range []struct {
		values []string
		raw    string
		want   Reason
	}{
		{[]string{"Bearer abc"}, "abc", ""},
		{[]string{"bearer abc"}, "abc", ""},
		{[]string{"BEARER  abc "}, "abc", ""},
		{nil, "", NoToken},
		{[]string{"Bearer"}, "", NoToken},
		{[]string{"Bearer "}, "", NoToken},
		{[]string{""}, "", WrongScheme},
		{[]string{"Basic abc"}, "", WrongScheme},
		{[]string{"eyJhbGciOiJSUzI1NiJ9.e30.c2ln"}, "", WrongScheme},
		{[]string{"eyJhbGciOiJSUzI1NiJ9.e30.c2ln x"}, "", WrongScheme},
		{[]string{"Bearer a b"}, "", Malformed},
		{[]string{"Bearer a,b"}, "", Malformed},
		{[]string{"Bearer a", "Bearer a"}, "", Malformed},
	} {
		t.Run(fmt.Sprint(c.values), func(t *testing.T) {
			raw, err := FromHeader(http.Header{"Authorization": c.values})
			if c.want == "" {
				require.NoError(t, err)
				require.Equal(t, c.raw, raw)
				return
			}
			require.NotContains(t, requireReason(t, c.want, err), "eyJ")
		})
	}
}
