// Writes the golden cases of the template language itself: what the real text/template and fmt say to each template.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"text/template"

	"boathook/golden/v1beta1"
)

type result struct {
	Name     string  `json:"name"`
	Template string  `json:"template"`
	Data     string  `json:"data"`
	Output   *string `json:"output,omitempty"`
	Error    *string `json:"error,omitempty"`
	Parse    bool    `json:"parse,omitempty"`
}

var (
	executing = regexp.MustCompile(`(?s)^template: t:\d+:\d+: executing "[^"]*" at <.*?>: (.*)$`)
	parsing   = regexp.MustCompile(`(?s)^template: t:\d+: (.*)$`)
)

func data() map[string]any {
	group := "apps"
	var nothing *v1beta1.Target
	return map[string]any{
		"summary": v1beta1.Summary{
			Name: "run-1", Namespace: "prod",
			Invoker: &v1beta1.Invoker{APIGroup: nil, Kind: "BackupConfiguration", Name: "nightly"},
			Target:  &v1beta1.Target{APIGroup: &group, Kind: "Deployment", Name: "ledger"},
			Status:  v1beta1.Status{Phase: "Failed", Duration: "10s", Error: `it's "broken" <at> line\n2`},
			Missing: nothing, RetryLeft: 2,
			Hooks: []any{
				map[string]any{"Name": "freeze", "Seconds": 1.5, "Critical": true},
				map[string]any{"Name": "thaw", "Seconds": 20, "Critical": false},
			},
		},
		"map": map[string]any{
			"s": "text", "empty": "", "i": 42, "n": -7, "zero": 0, "f": 1.5, "big": 123456789.0, "t": true, "b": false,
			"null": nil, "l": []any{1, "two", 3.5, nil, true}, "none": []any{},
			"m": map[string]any{"b": 2, "a": 1, "c": map[string]any{"d": "deep"}}, "e": map[string]any{},
			"u": "h\u00e9llo \u4e16\u754c", "lines": "a\nb\tc", "html": `<a href="x">'&'</a>`,
			"words": []any{"alpha", "beta", "gamma"}, "nested": []any{[]any{1, 2}, []any{3, []any{4}}},
		},
		"nil": nil, "text": "plain", "list": []any{1, 2, 3},
	}
}

func main() {
	raw, err := os.ReadFile("cases.txt")
	if err != nil {
		panic(err)
	}
	sets := data()
	var results []result
	for number, block := range strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n") {
		if block == "" || strings.HasPrefix(block, "#") {
			continue
		}
		set, text, ok := strings.Cut(block, " ")
		if !ok {
			panic(block)
		}
		text = strings.ReplaceAll(text, "\u21b5", "\n")
		one := result{Name: fmt.Sprintf("line %d", number+1), Template: text, Data: set}
		parsed, err := template.New("t").Parse(text)
		if err != nil {
			message := parsing.ReplaceAllString(err.Error(), "$1")
			one.Error, one.Parse = &message, true
		} else {
			var out bytes.Buffer
			if _, known := sets[set]; !known {
				panic(set)
			}
			if err := parsed.Execute(&out, sets[set]); err != nil {
				message := executing.ReplaceAllString(err.Error(), "$1")
				one.Error = &message
			} else {
				text := out.String()
				one.Output = &text
			}
		}
		results = append(results, one)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(results); err != nil {
		panic(err)
	}
}
