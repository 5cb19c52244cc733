package gateway

// The gateway's own reasons. Whatever else it refuses for is a token.Reason.
const (
	RateLimited       = "rate_limited"       // 429
	UnknownRoute      = "unknown_route"      // 404: no origin has the path's prefix
	OriginUnreachable = "origin_unreachable" // 502, 504: the origin cannot be reached, breaks off or is too slow
)
