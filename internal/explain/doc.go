// Package explain makes sentences of journals: who granted or refused a call, and why,
// from the issuer that put a scope into a token or left it out to the backend that
// answered. It looks at journal entries only, so it explains any ecosystem.
package explain
