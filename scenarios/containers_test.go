package scenarios_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/ccmock/ccmock/scenarios"
)

// Where the containers know each other, and what guards their control planes.
const (
	gitLabHost   = "gitlab.test"
	portalHost   = "customers.gitlab.test"
	gatewayHost  = "cloud.gitlab.test"
	backendsHost = "backends"
	controlPort  = "7070/tcp"
	controlToken = "containers-test-only"
)

// TestFlowsInContainers runs the flows against the image, one container for each service.
// It needs Docker and the image that CCMOCK_IMAGE names ("docker build -t ccmock:dev .").
func TestFlowsInContainers(t *testing.T) {
	image := os.Getenv("CCMOCK_IMAGE")
	if image == "" {
		if os.Getenv("CCMOCK_REQUIRE_DOCKER") != "" {
			t.Fatal("CCMOCK_REQUIRE_DOCKER is set, but CCMOCK_IMAGE names no image")
		}
		t.Skip("CCMOCK_IMAGE names no image to run (build one with docker build -t ccmock:dev . and set CCMOCK_IMAGE=ccmock:dev)")
	}
	net, err := network.New(t.Context())
	testcontainers.CleanupNetwork(t, net)
	require.NoError(t, err)

	target := scenarios.Target{Name: "containers", ControlToken: controlToken, ConnectTo: map[string]string{}}
	for _, service := range []struct {
		part    string
		aliases []string
		ports   []string
	}{
		{"customersdot", []string{portalHost}, []string{"5000"}},
		{"backends", []string{backendsHost}, []string{"5052", "5100", "50052"}},
		{"gateway", []string{gatewayHost}, []string{"8080"}},
		{"rails", []string{gitLabHost}, []string{"3000"}},
	} {
		c := run(t, image, service.part, net.Name, service.aliases, service.ports)
		target.Control = append(target.Control, "http://"+published(t, c, controlPort))
		for _, port := range service.ports {
			for _, alias := range service.aliases {
				target.ConnectTo[alias+":"+port] = published(t, c, port+"/tcp")
			}
			if service.part == "rails" {
				target.ConnectTo["*.test:"+port] = published(t, c, port+"/tcp") // every other instance
			}
		}
	}
	scenarios.Run(scenarios.Testing(t), flows(t), scenarios.Options{Target: target})
}

func run(t *testing.T, image, part, net string, aliases, ports []string) testcontainers.Container {
	t.Helper()
	exposed := []string{controlPort}
	for _, port := range ports {
		exposed = append(exposed, port+"/tcp")
	}
	c, err := testcontainers.Run(t.Context(), image,
		testcontainers.WithCmd("up", part,
			"--listen-host=0.0.0.0", "--control-port=7070", "--control-token="+controlToken,
			"--gitlab-url=http://"+gitLabHost+":3000", "--customersdot-url=http://"+portalHost+":5000",
			"--gateway-url=http://"+gatewayHost+":8080", "--backends-host="+backendsHost),
		testcontainers.WithExposedPorts(exposed...),
		network.WithNetworkName(aliases, net),
		testcontainers.WithWaitStrategy(wait.ForHTTP("/v1/health").WithPort(controlPort)),
	)
	testcontainers.CleanupContainer(t, c)
	if err != nil && c != nil {
		logs(t, c)
	}
	require.NoError(t, err)
	return c
}

func logs(t *testing.T, c testcontainers.Container) {
	t.Helper()
	out, err := c.Logs(context.WithoutCancel(t.Context()))
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	text := make([]byte, 8<<10)
	n, _ := out.Read(text)
	t.Logf("the container's log:\n%s", text[:n])
}

// published is the address at which a container's port is reached from here.
func published(t *testing.T, c testcontainers.Container, port string) string {
	t.Helper()
	host, err := c.Host(t.Context())
	require.NoError(t, err)
	mapped, err := c.MappedPort(t.Context(), port)
	require.NoError(t, err)
	return fmt.Sprintf("%s:%s", host, mapped.Port())
}
