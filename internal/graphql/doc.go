// Package graphql answers GraphQL requests for the stubs whose real counterparts are
// built on the Ruby library: CustomersDot and GitLab. It is the only importer of
// graphql-go. What the two services do differently (who is let in, how long a query may
// be, how errors are worded) is theirs.
package graphql
