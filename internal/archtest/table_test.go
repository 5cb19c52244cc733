package archtest

// layer is a row of the import table: packages that may import every earlier row.
type layer struct {
	packages []string
	mix      bool // they may also import each other
}

// layers is the import table, lowest first. Paths are relative to the module; "." is the root package. A package below a
// listed one belongs to it, unless it is listed itself.
var layers = []layer{
	{packages: []string{"internal/clock", "internal/strictyaml", "internal/schema"}},
	{packages: []string{"internal/catalog"}},
	{packages: []string{"internal/feature"}},
	{packages: []string{"internal/world"}},
	{packages: []string{"internal/scaffold", "internal/compare"}},
	{packages: []string{"internal/token", "internal/journal", "internal/fault"}, mix: true},
	{packages: []string{"internal/explain"}},
	{packages: []string{"internal/control"}},
	{packages: []string{"internal/stub"}},
	{packages: []string{"rails_stub", "customersdot_stub", "gateway", "backends"}},
	{packages: []string{"internal/ecosystem", "scenarios"}},
	{packages: []string{"."}},
	{packages: []string{"cmd"}},
	{packages: []string{"cmd/ccmock"}},
	// Help for tests stands above all that is not a test, so that only tests may import it.
	{packages: []string{"internal/goldentest", "internal/fidelity", "internal/token/tokentest", "internal/stub/stubtest"}},
	{packages: []string{"internal/archtest"}},
}

// services are the imitated services. Each could be replaced by the real one, by URL, so that nothing may depend on one
// of them but the composition root.
var services = []string{"rails_stub", "customersdot_stub", "gateway", "backends"}

// compositionRoot is the only package that knows the services.
const compositionRoot = "internal/ecosystem"

// engine is the package that must run against any ecosystem, also against one of containers or of real services. Beside
// its own packages it imports these alone.
const engine = "scenarios"

var engineImports = []string{
	"internal/control", "internal/token", "internal/catalog", "internal/feature", "internal/world", "internal/journal",
	"internal/strictyaml", "internal/clock", "internal/fault", "internal/explain",
}

// binary is the package that is built and shipped.
const binary = "cmd/ccmock"

// maxLines is the length of a file, not counting tests, from which it is to be split.
const maxLines = 500
