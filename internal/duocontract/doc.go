// Package duocontract is the contract of the Duo Workflow Service: which gRPC methods it
// has, what they take and what they answer.
//
// Messages are dynamic: nothing is put into the registry of protobuf that all packages of
// a program share, where GitLab's own Go client of the service has messages of the same
// names. Programs that link both would not start.
//
// contract.binpb is what protoc (Debian's protobuf-compiler 3.21, or any later one) makes
// of the .proto files; "go generate" makes it anew.
package duocontract

//go:generate protoc --descriptor_set_out=contract.binpb contract.proto health.proto
