// Package catalog knows cloud_connector.yml, the file in which CustomersDot
// says which scopes exist and who may have them, and decides by it.
//
// Decide is a pure function of a catalog and the facts about an instance: its
// GitLab version, its licence, its add-ons and the time. It says of every scope
// whether the instance gets it, by which rule, and why. Nothing else in ccmock
// decides that.
//
// # Rules
//
// A service without a cut-off date, or before it, is in free access: all its
// unit primitives are granted, whoever asks. At the instant of the cut-off that
// ends. From then on a unit primitive is granted if any add-on that lists it is
// bought and active. In both periods the GitLab version must reach the minimum
// of that period, the licence must be a cloud licence and not be expired for
// more than GracePeriod, and the licence's plan must be among the license_types,
// where there are any. Where several services have the same unit primitive, one
// that grants it is enough.
//
// A unit primitive that names operators, which says who may run it, needs one
// of them to be satisfied besides: one of whose own add-ons one is active, and
// of whose licence types the licence has one, where it lists any.
//
// # Forms of the file
//
// The tutorial's form (G0, G1) names a service, which is the scope, and one
// add-on; the form of GitLab 17 (G2) lists unit primitives per add-on. A file
// may mix them. Per-environment blocks merge "defaults" as YAML does: shallowly.
// Rails' own copy, access_data.yml, has services and no environments.
//
// The library gitlab-cloud-connector (G3, with operators G4) has a file for each
// unit primitive, backend service, add-on, licence type, operator and service,
// in folders that are called so. The same in one document, with a list for each
// kind, is what CustomersDot serves. Each unit primitive is a service here;
// LegacyServices has those that the library's services make of them, for older
// GitLab versions.
//
// Open tells a path's form by what is there, and Parse a text's by its keys.
// DefaultSource is a library of all that is public.
//
// # Choices
//
// The tutorial says of both min_gitlab_version and min_gitlab_version_for_beta
// that they apply before the cut-off; later documents give the first to the
// time after it, and say that an unset minimum means any version. Here, after
// the cut-off min_gitlab_version applies in every form. Before it the minimum
// for free access (formerly beta) does, and in G0 and G1, where that one is not
// given, min_gitlab_version does too.
//
// Of a list of add-ons one is enough, as in the code of the real services,
// although one table of the documentation asks for all of them. In G0 a service
// without bundled_with cannot be bought. The dummy add-ons _irrelevant_ and
// _irrelevant cannot either.
//
// An instance's token is for whatever runs a feature, so any operator that is
// satisfied is enough. An operator's add-ons count in free access too: the
// documents have a feature that is free with one operator and paid with another.
// A unit primitive without backend services adds no audience.
//
// GitLab.com decides for itself and looks at cut-offs and add-ons alone
// (Facts.SelfIssued): neither versions, licences nor operators.
package catalog
