// Package probetest is a backend with one thing wrong with it, for a probe to find. Only tests
// import it.
//
// It is written out in full, without the verifier that the stubs use: the two check one
// another.
package probetest

// Flaw is what a backend does wrong.
type Flaw string

// The flaws.
const (
	None              Flaw = ""
	Lenient           Flaw = "what RFC 7519 leaves open gets in" // which is none
	NoExpiry          Flaw = "exp is not checked"
	NoNotBefore       Flaw = "nbf is not checked"
	Leeway            Flaw = "30 seconds of leeway"
	NoAudience        Flaw = "aud is not compared"
	AudienceByPrefix  Flaw = "aud is compared by its beginning"
	AnyAlgorithm      Flaw = "alg is the token's choice"
	AlgNone           Flaw = "alg none is taken"
	PublicKeyAsSecret Flaw = "HS256 is keyed with the public key"
	NoSignature       Flaw = "the signature is not verified"
	KidIgnored        Flaw = "kid is not looked at"
	KeyByJKU          Flaw = "the key is fetched from jku"
	FetchesX5U        Flaw = "x5u is fetched, and not used"
	EmbeddedKey       Flaw = "the key comes with the token"
	CritIgnored       Flaw = "crit is not looked at"
	NoIssuer          Flaw = "iss is not compared"
	NoScope           Flaw = "the scope is not required"
	ScopeBySubstring  Flaw = "the scope is looked for in a text"
	NoHeaders         Flaw = "headers are not compared"
	LastHeader        Flaw = "of several headers the last counts"
	Crashes           Flaw = "what cannot be decoded is a crash"
	RefusesAll        Flaw = "nobody gets in"
	OneIssuer         Flaw = "GitLab.com is not trusted"
)
