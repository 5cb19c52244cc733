package customersdotstub_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// introspection asks for all that the usual clients ask for, in the usual depth.
const introspection = `query IntrospectionQuery {
  __schema {
    queryType { name }
    mutationType { name }
    subscriptionType { name }
    types { ...FullType }
    directives { name description locations args { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description
  fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type {
  kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }
}`

func TestIntrospection(t *testing.T) {
	b := start(t)
	a := b.graphql(introspection, nil)
	type named struct{ Name string }
	var r struct {
		Errors []any
		Data   struct {
			Schema struct {
				QueryType, MutationType named
				Types                   []struct {
					Name, Kind string
					Fields     []named
				}
			} `json:"__schema"`
		}
	}
	require.NoError(t, json.Unmarshal(a.body, &r))
	require.Empty(t, r.Errors)
	require.Equal(t, "Query", r.Data.Schema.QueryType.Name)
	require.Equal(t, "Mutation", r.Data.Schema.MutationType.Name)
	shape := map[string]string{}
	for _, typ := range r.Data.Schema.Types {
		if strings.HasPrefix(typ.Name, "__") {
			continue
		}
		var fields []string
		for _, f := range typ.Fields {
			fields = append(fields, f.Name)
		}
		shape[typ.Name] = strings.TrimSpace(typ.Kind + " " + strings.Join(fields, " "))
	}
	text, err := json.Marshal(shape)
	require.NoError(t, err)
	golden(t, "introspection", text)

	a = b.graphql(`{ __type(name: "CloudConnectorServiceToken") { fields { name type { kind ofType { name } } } } }`, nil)
	require.JSONEq(t, `{"data":{"__type":{"fields":[
		{"name":"token","type":{"kind":"NON_NULL","ofType":{"name":"String"}}},
		{"name":"expiresAt","type":{"kind":"NON_NULL","ofType":{"name":"ISO8601DateTime"}}}]}}}`, string(a.body))
}
