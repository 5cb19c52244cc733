package ccmock_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ccmock/ccmock"
)

// A self-managed instance loses a feature at its cut-off date and gets it back with the
// add-on.
func Example() {
	ctx := context.Background()
	e, err := ccmock.Start(ctx, ccmock.Options{
		Now: time.Date(2024, 2, 14, 23, 0, 0, 0, time.UTC), // an hour before the cut-off
		Instances: []ccmock.Instance{
			{Name: "acme", Realm: ccmock.SelfManaged, GitLabVersion: "16.9.2", License: &ccmock.License{}},
		},
		Users: []ccmock.User{{Name: "ada", Instance: "acme"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = e.Close() }()

	use := func() {
		if _, err := e.Sync(ctx, "acme"); err != nil {
			fmt.Println(err)
		}
		resp, err := e.Use(ctx, "ada", "new_feature_scope", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = resp.Body.Close()
		why, err := e.Explain(ctx, resp.Header.Get("X-Request-Id"))
		if err != nil {
			fmt.Println(err)
		}
		fmt.Println(resp.StatusCode, why.Text)
	}
	use()
	if err := e.Advance(ctx, 2*time.Hour); err != nil {
		fmt.Println(err)
	}
	use()
	if err := e.Purchase(ctx, "acme", ccmock.Purchase{AddOn: "duo_pro"}); err != nil {
		fmt.Println(err)
	}
	use()
	// Output:
	// 200 granted: foo answered 200 OK; customersdot granted new_feature_scope for acme because it is free until the cut-off (2024-02-15), which is in 1 hour; the token expires in 3 days
	// 403 refused by foo: the token lacks new_feature_scope; customersdot dropped it for acme because duo_pro was not bought and the cut-off (2024-02-15) passed 1 hour ago [new_feature_scope.yaml:13 (bundled_with)]
	// 200 granted: foo answered 200 OK; customersdot granted new_feature_scope for acme because duo_pro was bought, as is needed since the cut-off (2024-02-15), 1 hour ago; the token expires in 3 days
}
