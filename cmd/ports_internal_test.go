package cmd

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/ecosystem"
)

func TestLayoutOfPorts(t *testing.T) {
	usual := ecosystem.DefaultPorts()
	with := func(change func(*ecosystem.Ports)) *ecosystem.Ports {
		p := usual
		change(&p)
		return &p
	}
	based := ecosystem.PortsFrom(20000)
	for _, c := range []struct {
		args, parts string
		want        *ecosystem.Ports
	}{
		{"", "", &usual},
		{"", "rails customersdot gateway backends", &usual},
		{"", "rails", with(func(p *ecosystem.Ports) { p.Control = 7071 })},
		{"", "customersdot", with(func(p *ecosystem.Ports) { p.Control = 7072 })},
		{"", "gateway", with(func(p *ecosystem.Ports) { p.Control = 7073 })},
		{"", "backends", with(func(p *ecosystem.Ports) { p.Control = 7074 })},
		{"", "backends gateway", with(func(p *ecosystem.Ports) { p.Control = 7073 })},
		{"--control-port 7070", "backends", &usual},
		{"--gateway-port 9000 --gitlab-port 0", "", with(func(p *ecosystem.Ports) { p.Gateway, p.GitLab = 9000, 0 })},
		{"--port-base 20000", "", &based},
		{"--port-base 0", "", nil},
		{"--port-base 0", "rails", nil},
		{"--port-base 0 --control-port 9001", "rails", &ecosystem.Ports{Control: 9001}},
	} {
		t.Run(c.args+" "+c.parts, func(t *testing.T) {
			u, command := &up{}, &cobra.Command{}
			u.flags(command)
			require.NoError(t, command.ParseFlags(strings.Fields(c.args)))
			got, err := u.layout(command, strings.Fields(c.parts))
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}
