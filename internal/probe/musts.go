package probe

import "github.com/ccmock/ccmock/internal/token"

const fetching = "The header of a token is the sender's word, and so is each URL in it. Who fetches jku or x5u lets anybody have the service call any address that it can reach, be the token refused in the end or not. Keys come from the issuers' own key sets."

const headersAgree = "X-Gitlab-Realm must be sent once and be the claim gitlab_realm, X-Gitlab-Instance-Id once and be the claim sub. Otherwise who has one instance's token can act, and be billed, as another."

// musts say what a service must do that let a call in.
var musts = map[token.Reason]string{
	token.NoToken:              "Without a token there is no answer.",
	token.WrongScheme:          "A token comes as \"Authorization: Bearer TOKEN\" and in no other way.",
	token.WrongAuthType:        "X-Gitlab-Authentication-Type must be oidc and nothing else, where it is sent; the AI gateway requires it.",
	token.Malformed:            "What is no JWT to the letter must not be read with good will: one Authorization header, three segments of base64url, objects in JSON with each member once, claims of the types that they have by RFC 7519.",
	token.UnsupportedExtension: "crit lists what a verifier must understand, or refuse the token (RFC 7515, 4.1.11). Many libraries have to be told.",
	token.WrongAlgorithm:       "Tokens of Cloud Connector are signed with RS256. The service says so, by a list with that one name, and never the token: by the header's alg an attacker turns the signature off or has the public key used as a password.",
	token.UnknownKey:           "The key must be one that a trusted issuer publishes, found by the token's kid. A key that the token brings along, or a kid that nobody published, is the sender's word.",
	token.BadSignature:         "The signature must be verified, over the text as it came, before anything of the token counts.",
	token.WrongIssuer:          "iss must be one of the two issuers, compared whole.",
	token.IssuerMismatch:       "The key must be one that the very issuer publishes that iss names. With the keys of both in one bag, either can sign in the other's name.",
	token.MissingExpiry:        "A token without exp would be good for ever. Most libraries accept it unless they are told that exp is required.",
	token.Expired:              "At exp and after it a token is over (RFC 7519, 4.1.4).",
	token.NotYetValid:          "Before nbf a token is not good yet (RFC 7519, 4.1.5).",
	token.WrongAudience:        "aud must be the audience of this service or, as a list, hold it: compared whole, case and all. Otherwise a token for another service opens this one.",
	token.MissingHeader:        headersAgree,
	token.RealmMismatch:        headersAgree,
	token.InstanceMismatch:     headersAgree,
	token.UserMismatch:         "X-Gitlab-Global-User-Id must be the claim sub of a user's token.",
	token.MissingScope:         "scopes is a list and must hold the scope of the endpoint, compared whole, case and all: a text that contains it, or a longer name, is another scope.",
}
