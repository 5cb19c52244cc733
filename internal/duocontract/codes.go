package duocontract

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Code is a status of a gRPC call.
type Code uint32

// The codes that the service answers, by their names.
const (
	OK                Code = 0
	Cancelled         Code = 1
	Unknown           Code = 2
	InvalidArgument   Code = 3
	DeadlineExceeded  Code = 4
	NotFound          Code = 5
	PermissionDenied  Code = 7
	ResourceExhausted Code = 8
	Unimplemented     Code = 12
	Internal          Code = 13
	Unavailable       Code = 14
	Unauthenticated   Code = 16
)

// codes are the names of all codes that gRPC has, and the HTTP statuses that stand for
// them where there is only room for one of those.
var codes = []struct {
	name string
	http int
}{
	{"OK", http.StatusOK},
	{"CANCELLED", 499},
	{"UNKNOWN", http.StatusInternalServerError},
	{"INVALID_ARGUMENT", http.StatusBadRequest},
	{"DEADLINE_EXCEEDED", http.StatusGatewayTimeout},
	{"NOT_FOUND", http.StatusNotFound},
	{"ALREADY_EXISTS", http.StatusConflict},
	{"PERMISSION_DENIED", http.StatusForbidden},
	{"RESOURCE_EXHAUSTED", http.StatusTooManyRequests},
	{"FAILED_PRECONDITION", http.StatusBadRequest},
	{"ABORTED", http.StatusConflict},
	{"OUT_OF_RANGE", http.StatusBadRequest},
	{"UNIMPLEMENTED", http.StatusNotImplemented},
	{"INTERNAL", http.StatusInternalServerError},
	{"UNAVAILABLE", http.StatusServiceUnavailable},
	{"DATA_LOSS", http.StatusInternalServerError},
	{"UNAUTHENTICATED", http.StatusUnauthorized},
}

// String is the name of the code, such as "PERMISSION_DENIED". One that gRPC does not have
// is called unknown.
func (c Code) String() string {
	if int(c) >= len(codes) {
		return Unknown.String()
	}
	return codes[c].name
}

// HTTP is the HTTP status that stands for the code.
func (c Code) HTTP() int {
	if int(c) >= len(codes) {
		return Unknown.HTTP()
	}
	return codes[c].http
}

// UnmarshalText reads a name.
func (c *Code) UnmarshalText(text []byte) error {
	names := make([]string, len(codes))
	for n, known := range codes {
		names[n] = known.name
	}
	n := slices.Index(names, strings.ToUpper(string(text)))
	if n < 0 {
		return strictyaml.Unknown("gRPC code", string(text), names)
	}
	*c = Code(n)
	return nil
}
