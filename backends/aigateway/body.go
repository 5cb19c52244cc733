package aigateway

import "math/big"

// object is a JSON object that fits its model.
type object map[string]any

// in is an object within; empty if there is none.
func (o object) in(path ...string) object {
	for _, name := range path {
		next, _ := o[name].(map[string]any)
		o = next
	}
	return o
}

// text is a member; "" if it is left out or no text.
func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

// optional is a member, or nil.
func (o object) optional(name string) *string {
	if s, ok := o[name].(string); ok {
		return &s
	}
	return nil
}

// stream says whether the answer is to come in pieces.
func (o object) stream() bool {
	b, _ := o["stream"].(bool)
	return b
}

func (o object) number(name string, unsaid int) int {
	if n, ok := o[name].(*big.Int); ok && n.IsInt64() {
		return int(n.Int64())
	}
	return unsaid
}

// objects are the items of a list.
func (o object) objects(name string) []object {
	list, _ := o[name].([]any)
	all := make([]object, 0, len(list))
	for _, item := range list {
		one, _ := item.(map[string]any)
		all = append(all, one)
	}
	return all
}

// texts are the items of a list of texts.
func (o object) texts(name string) []string {
	list, _ := o[name].([]any)
	all := make([]string, 0, len(list))
	for _, item := range list {
		s, _ := item.(string)
		all = append(all, s)
	}
	return all
}

// component is the first of the prompt's, the one that decides.
func (o object) component() object {
	if all := o.objects("prompt_components"); len(all) > 0 {
		return all[0]
	}
	return nil
}
