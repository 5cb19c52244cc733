package duocontract

import (
	_ "embed" // the descriptors
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/structpb" // which the contract imports
)

// The services. Their names are the first segment of the paths of their methods.
const (
	DuoWorkflow = "DuoWorkflow"
	Health      = "grpc.health.v1.Health"
)

//go:embed contract.binpb
var compiled []byte

// services are the descriptors, read when they are first needed. What they import is of
// protobuf itself.
var services = sync.OnceValue(func() []protoreflect.ServiceDescriptor {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(compiled, &set); err != nil {
		panic(fmt.Sprintf("duocontract: the embedded descriptors are broken: %v", err))
	}
	var all []protoreflect.ServiceDescriptor
	for _, text := range set.GetFile() {
		file, err := protodesc.NewFile(text, protoregistry.GlobalFiles)
		if err != nil {
			panic(fmt.Sprintf("duocontract: the embedded descriptors are broken: %v", err))
		}
		for n := range file.Services().Len() {
			all = append(all, file.Services().Get(n))
		}
	}
	return all
})

// Method is one of the gRPC methods.
type Method struct{ protoreflect.MethodDescriptor }

// Path is that of the method's requests, with a leading slash.
func (m Method) Path() string { return "/" + string(m.Parent().FullName()) + "/" + string(m.Name()) }

// Request returns an empty message that the method takes.
func (m Method) Request() *dynamicpb.Message { return dynamicpb.NewMessage(m.Input()) }

// Response returns an empty message that the method answers.
func (m Method) Response() *dynamicpb.Message { return dynamicpb.NewMessage(m.Output()) }

// Methods are those of all services, in the contract's order.
func Methods() []Method {
	var methods []Method
	for _, s := range services() {
		for n := range s.Methods().Len() {
			methods = append(methods, Method{s.Methods().Get(n)})
		}
	}
	return methods
}

// Find returns the method of that name: "DuoWorkflow/GenerateToken".
func Find(name string) (Method, bool) {
	for _, m := range Methods() {
		if m.Path() == "/"+name {
			return m, true
		}
	}
	return Method{}, false
}

// Names are the methods of both services, as Find takes them.
func Names() []string {
	var names []string
	for _, m := range Methods() {
		names = append(names, m.Path()[1:])
	}
	return names
}

// NewAction returns an empty action, which is what ExecuteWorkflow answers.
func NewAction() *dynamicpb.Message {
	m, _ := Find(DuoWorkflow + "/ExecuteWorkflow")
	return m.Response()
}

// Fill puts a value, as encoding/json knows it, into a message. A member that the message
// does not have is an error.
func Fill(m proto.Message, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(text, m); err != nil {
		return fmt.Errorf("not the JSON of %s: %s", m.ProtoReflect().Descriptor().FullName(), plain(err))
	}
	return nil
}

// Read puts a message into a value, as encoding/json does. Members that the message does
// not set are absent, and all have the contract's names. Numbers of 64 bits are texts.
func Read(m proto.Message, v any) error {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// plain is what protojson says without its prefix and its position in a text that nobody
// sees. The prefix varies on purpose, so that nobody compares it.
func plain(err error) string {
	_, text, ok := strings.Cut(err.Error(), "): ")
	if !ok {
		return strings.TrimSpace(strings.TrimPrefix(err.Error(), "proto:"))
	}
	return text
}

// chosen is the member of a oneof that is set; "" for none.
func chosen(m *dynamicpb.Message, oneof protoreflect.Name) string {
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName(oneof))
	if field == nil {
		return ""
	}
	return string(field.Name())
}
