package railsstub

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
)

// seatLink is SyncSeatLinkRequestWorker. After a manual sync or an activation the token is
// synced next.
var seatLink = &job{
	name: "sync_seat_link", retries: 20, backoff: func(int) time.Duration { return time.Hour + 10*time.Minute },
	work: (*Instance).linkSeats,
	then: func(i *Instance, ctx context.Context, w work) result {
		if !w.refresh {
			return result{}
		}
		return i.perform(ctx, tokenSync, work{at: w.at, requestID: w.requestID, force: true})
	},
}

const seatLinkPath = "/api/v1/seat_links"

// seatLinkBody is what the instance reports.
type seatLinkBody struct {
	GitLabVersion          string        `json:"gitlab_version"`
	Timestamp              string        `json:"timestamp"`
	LicenseKey             string        `json:"license_key"`
	MaxHistoricalUserCount int           `json:"max_historical_user_count"`
	BillableUsersCount     int           `json:"billable_users_count"`
	Hostname               string        `json:"hostname"`
	InstanceID             string        `json:"instance_id"`
	UniqueInstanceID       string        `json:"unique_instance_id,omitempty"`
	AddOnMetrics           []addOnMetric `json:"add_on_metrics"`
}

type addOnMetric struct {
	Type      string `json:"add_on_type"` // as the database calls it
	Purchased int    `json:"purchased_seats"`
	Assigned  int    `json:"assigned_seats"`
}

// linkSeats reports the seats in use and takes the licence that CustomersDot sends back,
// with the add-ons in it.
func (i *Instance) linkSeats(ctx context.Context, w work) result {
	rel, now := i.installed(), i.service.Clock().Now()
	i.mu.RLock()
	held := i.license
	i.mu.RUnlock()
	if !held.reportsSeats() {
		return result{
			outcome: control.Skipped,
			message: "only an online cloud licence that is no trial and expires reports its seats",
		}
	}
	got, err := i.ask(ctx, w.requestID, seatLinkPath, i.seats(held.key, rel, now), nil)
	switch {
	case err != nil:
		return i.of(seatLinkPath, raised("CustomersDot cannot be reached: %v", err))
	case !got.ok():
		return i.of(seatLinkPath, raised("Seat Link request failed! Code:%d", got.status))
	}
	var read struct {
		License string `json:"license"`
	}
	if len(got.body) > 0 {
		if err := json.Unmarshal(got.body, &read); err != nil {
			return i.of(seatLinkPath, raised("the answer of CustomersDot cannot be read: %v", err))
		}
	}
	current, message := held, "seats reported"
	if read.License != "" && read.License != held.key {
		if current, err = newLicense(read.License); err != nil {
			return i.of(seatLinkPath, failed(StorageFailed, "the licence that CustomersDot sent is no good: %v", err))
		}
		message += ", new licence stored"
	}
	i.mu.Lock()
	if err = i.hold(current, now); err == nil {
		i.reported = now
	}
	i.mu.Unlock()
	if err != nil {
		return i.of(seatLinkPath, failed(StorageFailed, "%v", err))
	}
	return i.of(seatLinkPath, result{outcome: control.Succeeded, message: message})
}

func (i *Instance) seats(key string, rel *release, now time.Time) seatLinkBody {
	body := seatLinkBody{
		GitLabVersion: rel.text, Timestamp: now.UTC().Format(time.RFC3339), LicenseKey: key,
		Hostname: i.address.Hostname(), InstanceID: i.given.UUID, AddOnMetrics: []addOnMetric{},
	}
	if rel.uniqueID {
		body.UniqueInstanceID = uniqueInstanceID(i.given.DBKeyBase)
	}
	i.mu.RLock()
	defer i.mu.RUnlock()
	body.MaxHistoricalUserCount = len(i.people)
	for _, p := range i.people {
		if !p.Blocked && !p.Bot {
			body.BillableUsersCount++
		}
	}
	for _, p := range i.purchases {
		if p.Active(now) {
			body.AddOnMetrics = append(body.AddOnMetrics, addOnMetric{databaseName(p.AddOn), p.Seats, i.assigned(p.AddOn)})
		}
	}
	return body
}

// databaseName is the name under which Rails stores an add-on.
func databaseName(addOn string) string {
	if addOn == "duo_pro" {
		return "code_suggestions"
	}
	return addOn
}

// production is the namespace of GitLab's UUIDs in the production environment.
var production = uuid.MustParse("58dc0f06-936c-43b3-93bb-71693f1b6570")

// uniqueInstanceID is the id that CustomersDot knows the instance by, a UUID of version 5.
func uniqueInstanceID(dbKeyBase string) string {
	sum := sha256.Sum256([]byte("instance" + dbKeyBase[:min(32, len(dbKeyBase))]))
	return uuid.NewSHA1(production, []byte(base64.StdEncoding.EncodeToString(sum[:]))).String()
}

// heldPurchases are the instance's purchases, for the control plane.
func (i *Instance) heldPurchases() []catalog.Purchase {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return append([]catalog.Purchase{}, slices.Clone(i.purchases)...)
}
