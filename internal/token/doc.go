// Package token makes, publishes, fetches and verifies the JSON Web Tokens of Cloud
// Connector, and names the one reason for which a token is refused.
//
// The issuing side is a [Key], a [Pool] that keeps keys between runs, a [Keyring] for
// what one issuer signs with and publishes, and [Sign]. The verifying side is
// [RemoteKeys], which learns keys from issuers over HTTP only, and one of two
// profiles:
//
//   - [Verifier] is strict: RS256 only, a key is selected by its id, the issuer in
//     the token must be the one that published that key, expiry is required, the
//     audience must match exactly.
//   - [AIGatewayVerifier] answers as the real AI gateway was measured to answer,
//     gaps and crashes included.
//
// Keys here are for tests. Nothing that they sign is trusted by a real service.
// No key material and no complete token appears in an error, a [Refusal] or a
// [Verdict]; use [Digest] to name a token in a journal.
package token
