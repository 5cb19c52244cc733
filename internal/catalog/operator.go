package catalog

import (
	"slices"
	"strings"
)

// operatorRule is the rule by which the operators of s drop every scope of it, if they
// do. One that asks for nothing, or gets what it asks for, is enough: a token is for the
// instance, whoever runs a feature for it. Unlike the add-ons of a unit primitive, those
// of an operator are asked for in free access too.
func operatorRule(s Service, f Facts) (Rule, string) {
	if len(s.Operators) == 0 {
		return "", ""
	}
	var lacks []string
	for _, o := range s.Operators {
		lack := o.lacks(f)
		if lack == "" {
			return "", ""
		}
		lacks = append(lacks, o.Name+" needs "+lack)
	}
	return RuleOperator, strings.Join(lacks, ", and ")
}

// lacks says what the operator asks for and does not get, and nothing if it gets all.
func (o Operator) lacks(f Facts) string {
	if plan := f.License.PlanName(); len(o.LicenseTypes) > 0 && !slices.Contains(o.LicenseTypes, plan) {
		return "a license for " + list(o.LicenseTypes, "or") + ", and this one is for " + plan
	}
	if len(o.AddOns) == 0 {
		return ""
	}
	wanted := normalized(o.AddOns)
	for _, p := range f.Purchases {
		if slices.Contains(wanted, NormalizeAddOn(p.AddOn)) && p.Active(f.Now) {
			return ""
		}
	}
	return list(wanted, "or") + ", which is not bought or not active"
}
