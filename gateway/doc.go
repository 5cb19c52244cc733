// Package gateway imitates cloud.gitlab.com, the edge through which every GitLab instance
// reaches the backends of Cloud Connector.
//
// # Imitates
//
// The longest path prefix picks an origin and is stripped: <gateway>/foo/x becomes /x at
// the origin of foo. Only whole path segments count, as they are sent: neither /foobar
// nor /foo%2Fbar is /foo, and dot segments are passed on. The rest of the path keeps its
// encoding, the query stays as it is, and an empty rest becomes /.
//
// Requests and answers pass unchanged, of any size, body pieces at once (but an answer
// that announces at most 4 KiB in one piece), trailers included. Clients may speak
// HTTP/1.1 and HTTP/2, the latter in the clear (prior knowledge) and over TLS; gRPC goes
// on to its origin over HTTP/2. Upgraded connections (WebSocket) pass over HTTP/1.1.
//
// Hop-by-hop headers end here. Added are X-Request-Id where there is none, and what
// Cloudflare adds everywhere: CF-Connecting-IP and CF-Ray, in place of what the client
// says, and CF-Ray in the answer. X-Forwarded-* and Forwarded are passed on if the client
// sent them; none is made up. The Host that an origin sees is its own. An answer keeps
// its Date, and gets one by the ecosystem's clock if it has none.
//
// Rate limits are counted for each route by user (X-Gitlab-Global-User-Id), by instance
// (X-Gitlab-Instance-Id, self-managed only) and by answers of 401 (by client address,
// instance and user together). GitLab publishes no numbers, so all are off until set.
// Windows are fixed, start with the first request and end by the clock.
//
// # Refuses
//
// Over a limit: 429 with Retry-After and Cloudflare's short text. An unknown prefix: 404,
// and the journal names the known ones. An origin that cannot be reached or breaks off
// before it answers: 502; one that does not connect or answer in time: 504. One that
// breaks off later breaks the client's answer off, too. A client whose body stops
// half-way: 400, or 408 when it only waits. The journal says which origin, and why.
//
// Tokens are not looked at, as the real edge does not; GitLab planned to. With EdgeAuth
// the gateway verifies signature, issuer and time, for whatever audience, and refuses
// with 401, or with 503 while the issuers' keys cannot be had. User tokens of the AI
// gateway are refused then, too: neither issuer signed them.
//
// # Does not do
//
// Size buckets of the rate limits by X-Gitlab-Duo-Seat-Count (their bounds are not
// known), caching, WAF rules, path normalization, HTML error pages, request trailers,
// WebSocket over HTTP/2, HTTP/3.
package gateway
