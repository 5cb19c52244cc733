package railsstub_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

func TestGitLabComBuysForItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("17.2.0"))
	buy := func(instance string, p catalog.Purchase) error {
		_, err := do[control.Done](r, control.ActionPurchase, control.PurchaseRequest{Instance: instance, Purchase: p})
		return err
	}
	cancel := func(addOn string) error {
		_, err := do[control.Done](r, control.ActionCancelAddOn, control.CancelRequest{Instance: "gitlab", AddOn: addOn})
		return err
	}
	seat := control.SeatRequest{User: "com", AddOn: "duo_pro"}

	require.Equal(t, 401, r.use("com").status)
	require.Equal(t, string(railsstub.AddOnMissing), r.lastEntry().Reason)
	require.NoError(t, buy("gitlab", catalog.Purchase{AddOn: "code_suggestions"}))
	_, err := do[control.Done](r, control.ActionAssignSeat, seat)
	require.NoError(t, err)
	require.Equal(t, 200, r.use("com").status)

	require.NoError(t, cancel("duo_pro"))
	require.Equal(t, 401, r.use("com").status)
	require.EqualError(t, cancel("duo_pro"), `gitlab has no "duo_pro" that could be cancelled`)

	require.ErrorIs(t, buy("acme", catalog.Purchase{AddOn: "duo_pro"}), control.ErrNotHere, "that is for CustomersDot to sell")
	require.ErrorContains(t, buy("gitlab", catalog.Purchase{}), "purchase:")
}
