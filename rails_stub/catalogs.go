package railsstub

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// offers are a catalog as the checks on users need it, by name of service and of unit
// primitive.
type offers struct {
	services, primitives map[string]offer
}

// offersOf reads the catalog that comes with GitLab. A unit primitive that several
// services have is open if any of them opens it.
func offersOf(c *catalog.Catalog) offers {
	found := offers{map[string]offer{}, map[string]offer{}}
	for _, s := range c.Services {
		service := offer{cutOff: s.CutOff, place: s.SoldAt().String()}
		byPrimitive := map[string][]string{}
		for _, b := range s.Bundles {
			addOn := catalog.NormalizeAddOn(b.AddOn)
			service.addOns = append(service.addOns, addOn)
			for _, name := range b.UnitPrimitives {
				byPrimitive[name] = append(byPrimitive[name], addOn)
			}
		}
		found.services[s.Name] = service
		for name, addOns := range byPrimitive {
			o, again := found.primitives[name]
			if !again || o.cutOff != nil && (s.CutOff == nil || s.CutOff.After(*o.cutOff)) {
				o.cutOff, o.place = s.CutOff, service.place
			}
			o.addOns = slices.Concat(o.addOns, addOns)
			found.primitives[name] = o
		}
	}
	return found
}

// readServices reads availableServices, as CustomersDot sends and Rails stores it: name,
// serviceStartTime, and bundledWith as a map from add-on to unit primitives or a list of
// add-ons. What cannot be understood is left out, so that nobody may use it.
func readServices(raw json.RawMessage) (map[string]offer, []error) {
	var listed []struct {
		Name    string          `json:"name"`
		Start   string          `json:"serviceStartTime"`
		Bundled json.RawMessage `json:"bundledWith"`
	}
	if err := unmarshal(raw, &listed); err != nil {
		return map[string]offer{}, []error{fmt.Errorf("availableServices: %w", err)}
	}
	found := map[string]offer{}
	var errs []error
	for _, s := range listed {
		o, err := newOffer(s.Start, bundles(s.Bundled))
		if err != nil {
			errs = append(errs, fmt.Errorf("availableServices: %s: %w", s.Name, err))
			continue
		}
		found[s.Name] = o
	}
	return found, errs
}

// bundles are the add-ons in a bundledWith, whatever its form.
func bundles(raw json.RawMessage) []string {
	var byAddOn map[string]json.RawMessage
	if json.Unmarshal(raw, &byAddOn) == nil {
		return slices.Sorted(maps.Keys(byAddOn))
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	return nil
}

// readPrimitives reads the unit primitives of a synced catalog.
func readPrimitives(raw json.RawMessage) (map[string]offer, []error) {
	var synced struct {
		UnitPrimitives []struct {
			Name   string `json:"name"`
			CutOff string `json:"cut_off_date"`
			AddOns []any  `json:"add_ons"`
		} `json:"unit_primitives"`
	}
	if err := unmarshal(raw, &synced); err != nil {
		return map[string]offer{}, []error{fmt.Errorf("catalog: %w", err)}
	}
	found := map[string]offer{}
	var errs []error
	for _, p := range synced.UnitPrimitives {
		var names []string
		for _, addOn := range p.AddOns {
			switch a := addOn.(type) {
			case string:
				names = append(names, a)
			case map[string]any:
				if name, ok := a["name"].(string); ok {
					names = append(names, name)
				}
			}
		}
		o, err := newOffer(p.CutOff, names)
		if err != nil {
			errs = append(errs, fmt.Errorf("catalog: %s: %w", p.Name, err))
			continue
		}
		found[p.Name] = o
	}
	return found, errs
}

func newOffer(cutOff string, addOns []string) (offer, error) {
	var o offer
	for _, addOn := range addOns {
		o.addOns = append(o.addOns, catalog.NormalizeAddOn(addOn))
	}
	if cutOff == "" {
		return o, nil
	}
	at, err := strictyaml.ParseTime(cutOff)
	if err != nil {
		at, err = time.Parse(time.RFC3339Nano, cutOff)
	}
	o.cutOff = &at
	return o, err
}

// unmarshal takes no JSON for null.
func unmarshal(raw json.RawMessage, v any) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, v)
}
