package strictyaml

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// node is a value as the file has it: what it looks like, not yet what it is
// wanted as. Aliases point at the node they name, so nodes may be shared.
type node struct {
	kind     kind
	text     string // scalars: plain ones as written, others as they read
	quoted   bool   // a string in quotes or a block scalar
	implicit bool   // a null that nobody wrote
	shared   bool   // an alias or a merge has it stand elsewhere, too
	at       span
	items    []*node
	entries  []entry
	flaws    []flaw

	size, depth int // aliases expanded
}

type entry struct{ key, value *node }

// flaw is something wrong with a value whatever it is wanted as.
type flaw struct {
	at            span
	message, hint string
}

type kind uint8

const (
	kindBroken kind = iota // has flaws and no value
	kindNull
	kindBool
	kindInt
	kindFloat
	kindString
	kindSequence
	kindMapping
)

// maxNodes bounds a document, aliases and merges expanded.
const maxNodes = 1 << 20

// tooBig is panicked with, and caught in Parse, to leave a deep recursion.
type tooBig struct {
	at      span
	message string
}

// builder turns the parser's tree into nodes.
type builder struct {
	src     *source
	anchors map[string]*node // nil while the anchor's value is being built
	nodes   int
}

func (b *builder) node(n ast.Node, level int) *node {
	if level > 2*MaxDepth { // anchors and tags take a level each here
		panic(tooBig{b.span(n), deepMessage})
	}
	b.count(1, n)
	switch v := n.(type) {
	case *ast.AnchorNode:
		return b.anchor(v, level)
	case *ast.AliasNode:
		return b.alias(v)
	case *ast.TagNode:
		return b.tag(v, level)
	case *ast.MappingNode:
		return b.mapping(v, v.Values, level)
	case *ast.MappingValueNode:
		return b.mapping(v, []*ast.MappingValueNode{v}, level)
	case *ast.SequenceNode:
		return b.sequence(v, level)
	case *ast.MappingKeyNode:
		if v.Value != nil {
			return b.node(v.Value, level+1)
		}
	case *ast.LiteralNode:
		text := ""
		if v.Value != nil {
			text = v.Value.Value
		}
		return b.leaf(&node{kind: kindString, text: text, quoted: true, at: b.span(v)})
	case nil:
		return b.leaf(&node{kind: kindNull, implicit: true})
	}
	return b.scalar(n)
}

var (
	exponent = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$`)
	integer  = regexp.MustCompile(`^[-+]?[0-9]+$`)
)

func (b *builder) scalar(n ast.Node) *node {
	out := &node{at: b.span(n)}
	if t := n.GetToken(); t != nil {
		out.text = t.Value
	}
	switch v := n.(type) {
	case *ast.StringNode:
		out.kind, out.text = kindString, v.Value
		out.quoted = v.Token.Type == token.SingleQuoteType || v.Token.Type == token.DoubleQuoteType
		// The parser takes 1e3, and integers beyond 64 bits, for text.
		switch {
		case out.quoted:
		case exponent.MatchString(v.Value):
			out.kind = kindFloat
		case integer.MatchString(v.Value):
			out.kind = kindInt
		}
	case *ast.IntegerNode:
		out.kind = kindInt
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind = kindFloat
	case *ast.BoolNode:
		out.kind = kindBool
	case *ast.NullNode:
		out.kind = kindNull
		out.implicit = v.Token.Type == token.ImplicitNullType
	case *ast.MergeKeyNode: // only where it is no merge: as a value, in a list
		out.kind = kindString
	default:
		out.flaw(out.at, "this cannot stand here", "")
	}
	return b.leaf(out)
}

func (b *builder) sequence(v *ast.SequenceNode, level int) *node {
	out := &node{kind: kindSequence, at: b.span(v), size: 1, depth: 1}
	for _, item := range v.Values {
		child := b.node(item, level+1)
		if child.at.line == 0 {
			child.at = out.at
		}
		out.items = append(out.items, child)
		b.adopt(out, child)
	}
	return out
}

func (b *builder) mapping(n ast.Node, values []*ast.MappingValueNode, level int) *node {
	out := &node{kind: kindMapping, at: b.span(n), size: 1, depth: 1}
	first := make(map[string]*node, len(values))
	var mergeKey, merged *node
	for _, pair := range values {
		key, merge := b.key(pair.Key, level)
		if len(first) == 0 && mergeKey == nil && !flowStyle(n) {
			out.at = key.at
		}
		out.flaws = append(out.flaws, key.flaws...)
		value := b.node(pair.Value, level+1)
		if value.at.line == 0 || value.implicit {
			value.at = key.at
		}
		if merge {
			if mergeKey != nil {
				out.flaw(key.at, fmt.Sprintf("a second << in one block, the first is at line %d", mergeKey.at.line),
					"write one with a list: <<: [*a, *b]")
				continue
			}
			mergeKey, merged = key, value
			b.adopt(out, value)
			continue
		}
		if key.kind == kindBroken {
			continue
		}
		if seen := first[key.text]; seen != nil {
			out.flaw(key.at, fmt.Sprintf("key %q is given twice, first at line %d", key.text, seen.at.line), "")
			continue
		}
		first[key.text] = key
		out.entries = append(out.entries, entry{key, value})
		b.adopt(out, value)
	}
	if merged != nil {
		b.merge(out, merged, first, n)
	}
	return out
}

// key is a mapping's key as a string node, and whether it is a merge.
func (b *builder) key(k ast.MapKeyNode, level int) (*node, bool) {
	if k == nil {
		return b.leaf(&node{kind: kindString}), false
	}
	if k.IsMergeKey() {
		return b.leaf(&node{kind: kindString, text: "<<", at: b.span(k)}), true
	}
	built := b.node(k, level+1)
	out := *built
	out.at = b.span(k) // of an alias, where it stands and not what it names
	switch out.kind {
	case kindSequence, kindMapping:
		out.kind = kindBroken
		out.flaw(out.at, blockKeyMessage, "")
	case kindNull:
		out.kind = kindBroken
		out.flaw(out.at, "a key is missing before the colon", "")
	case kindBroken:
	default:
		out.kind = kindString
	}
	return &out, false
}

// merge adds the entries of m, the value of a <<, that out does not have yet.
func (b *builder) merge(out, m *node, have map[string]*node, where ast.Node) {
	b.count(1+len(m.entries)+len(m.flaws), where)
	out.flaws = append(out.flaws, m.flaws...)
	switch m.kind {
	case kindBroken:
	case kindMapping:
		for _, e := range m.entries {
			if have[e.key.text] == nil {
				have[e.key.text] = e.key
				e.value.shared = true
				out.entries = append(out.entries, e)
				b.adopt(out, e.value)
			}
		}
	case kindSequence:
		for _, item := range m.items {
			if item.kind == kindSequence {
				out.flaw(item.at, "<< takes a block or a list of blocks, got "+item.describe(), "")
				continue
			}
			b.merge(out, item, have, where)
		}
	default:
		out.flaw(m.at, "<< takes a block or a list of blocks, got "+m.describe(), "write <<: *name, with &name at the block")
	}
}

func (b *builder) anchor(v *ast.AnchorNode, level int) *node {
	name := ""
	if v.Name != nil && v.Name.GetToken() != nil {
		name = v.Name.GetToken().Value
	}
	b.anchors[name] = nil
	out := b.node(v.Value, level+1)
	if out.at.line == 0 || out.implicit {
		out.at = b.span(v)
	}
	b.anchors[name] = out
	return out
}

func (b *builder) alias(v *ast.AliasNode) *node {
	name := ""
	if v.Value != nil && v.Value.GetToken() != nil {
		name = v.Value.GetToken().Value
	}
	at := b.span(v)
	at.width = len([]rune(name)) + 1
	target, known := b.anchors[name]
	if target != nil {
		target.shared = true
		return target
	}
	out := &node{at: at}
	if known {
		out.flaw(at, fmt.Sprintf("*%s stands inside the value that it names", name), "")
		return b.leaf(out)
	}
	names := slices.Sorted(maps.Keys(b.anchors))
	hint := fmt.Sprintf("an anchor is written &%s, above its first use", name)
	if s := Suggest(name, names); s != "" {
		hint = fmt.Sprintf("did you mean %q?", "*"+s)
	}
	out.flaw(at, fmt.Sprintf("no anchor is called %q", name), hint)
	return b.leaf(out)
}

func (b *builder) tag(v *ast.TagNode, level int) *node {
	name := ""
	if v.Start != nil {
		name = v.Start.Value
	}
	value := b.node(v.Value, level+1)
	if name == "!!str" && value.kind >= kindNull && value.kind <= kindString {
		out := *value
		out.kind, out.quoted = kindString, true
		if out.implicit {
			out.text, out.implicit = "", false
		}
		return &out
	}
	out := &node{at: b.span(v)}
	out.flaw(out.at, fmt.Sprintf("tag %q is not known here", name), "remove it")
	return b.leaf(out)
}

func (b *builder) leaf(n *node) *node {
	n.size, n.depth = 1, 1
	return n
}

// adopt adds child's extent to parent's.
func (b *builder) adopt(parent, child *node) {
	parent.size += child.size
	parent.depth = max(parent.depth, child.depth+1)
	if parent.size > maxNodes {
		panic(tooBig{parent.at, sizeMessage})
	}
	if parent.depth > MaxDepth {
		panic(tooBig{parent.at, deepMessage})
	}
}

func (b *builder) count(n int, where ast.Node) {
	if b.nodes += n; b.nodes > maxNodes {
		panic(tooBig{b.span(where), sizeMessage})
	}
}

func (n *node) flaw(at span, message, hint string) {
	n.flaws = append(n.flaws, flaw{at, message, hint})
}

func flowStyle(n ast.Node) bool {
	m, ok := n.(*ast.MappingNode)
	return ok && m.IsFlowStyle
}

// span is where a node starts, and how wide it is on its first line.
func (b *builder) span(n ast.Node) span {
	if n == nil {
		return span{}
	}
	t := n.GetToken()
	if l, ok := n.(*ast.LiteralNode); ok && l.Start != nil {
		t = l.Start
	}
	return b.src.tokenSpan(t)
}

func (s *source) tokenSpan(t *token.Token) span {
	if t == nil || t.Position == nil {
		return span{}
	}
	first, _, _ := strings.Cut(t.Value, "\n")
	at := span{t.Position.Line, t.Position.Column, len([]rune(first))}
	if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType {
		at.width += 2
	}
	return s.clamp(at)
}
