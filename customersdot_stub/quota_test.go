package customersdotstub_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
)

func TestQuota(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "customersdot/quota/answers")
	b := start(t)
	acme, _ := b.world.Instance("acme")
	pauper, _ := b.world.Instance("pauper")
	admin := []string{"X-Admin-Email", "gl_com_api@gitlab.com", "X-Admin-Token", "customer_admin_token"}
	resolve := func(query string, headers ...string) answer {
		return b.send(http.MethodHead, "/api/v1/consumers/resolve?"+query, "", nil, headers...)
	}
	const self = "realm=self-managed&"
	uid := b.token("acme", "16.9.2").Text("gitlab_instance_uid")
	for _, c := range []struct {
		name, query string
		headers     []string
		want        int
	}{
		{"by instance id", self + "instance_id=" + acme.UUID, admin, http.StatusOK},
		{"by the claim of its tokens", self + "unique_instance_id=" + uid, admin, http.StatusOK},
		{"with a licence's checksum", self + "instance_id=" + acme.UUID, []string{"X-License-Token", "abc"}, http.StatusOK},
		{"GitLab.com", "realm=saas&root_namespace_id=1", admin, http.StatusOK},
		{"nobody asks", self + "instance_id=" + acme.UUID, nil, http.StatusUnauthorized},
		{"no realm", "instance_id=" + acme.UUID, admin, http.StatusBadRequest},
		{"no id", self, admin, http.StatusBadRequest},
		{"unknown", self + "instance_id=somebody", admin, http.StatusForbidden},
		{"nothing sold", self + "instance_id=" + pauper.UUID, admin, http.StatusForbidden},
	} {
		got := resolve(c.query, c.headers...)
		require.Equal(t, c.want, got.status, c.name)
		require.Empty(t, got.body, c.name)
	}
	require.Equal(t, "max-age=3600, private", resolve(self+"instance_id="+acme.UUID, admin...).header.Get("Cache-Control"))

	credits := func(instance string, exhausted bool) {
		b.must(control.ActionCredits, control.CreditsRequest{Instance: instance, Exhausted: exhausted})
	}
	credits("acme", true)
	credits("gitlab", true)
	require.Equal(t, http.StatusPaymentRequired, resolve(self+"instance_id="+acme.UUID, admin...).status)
	require.Equal(t, http.StatusPaymentRequired, resolve("realm=saas&root_namespace_id=1", admin...).status)
	credits("acme", false)
	require.Equal(t, http.StatusOK, resolve(self+"instance_id="+acme.UUID, admin...).status)
	_, err := do[control.Done](b, control.ActionCredits, control.CreditsRequest{Instance: "nobody"})
	require.Error(t, err)
}
