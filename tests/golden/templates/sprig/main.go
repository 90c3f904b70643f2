// Makes sprig.json: what Go's text/template and Sprig make of each template. How to run it: ../README.md.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig"
)

type TypedLocalObjectReference struct {
	APIGroup string `json:"apiGroup"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
}

type TargetRef struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Namespace  string `json:"namespace"`
}

type TargetStatus struct {
	Phase    string `json:"phase"`
	Duration string `json:"duration"`
	Error    string `json:"error"`
}

type Summary struct {
	Name      string                    `json:"name"`
	Namespace string                    `json:"namespace"`
	Invoker   TypedLocalObjectReference `json:"invoker"`
	Target    TargetRef                 `json:"target"`
	Status    TargetStatus              `json:"status"`
	RetryLeft int                       `json:"retryLeft"`
}

type Case struct {
	Name     string  `json:"name"`
	Template string  `json:"template"`
	Data     string  `json:"data"`
	Output   *string `json:"output,omitempty"`
	Error    *string `json:"error,omitempty"`
}

var cases []Case

func add(data, group string, templates ...string) {
	for i, text := range templates {
		cases = append(cases, Case{Name: fmt.Sprintf("%s %d", group, i+1), Template: text, Data: data})
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	time.Local = time.UTC
	raw, err := os.ReadFile("data.json")
	check(err)
	var sets map[string]json.RawMessage
	check(json.Unmarshal(raw, &sets))
	describe()
	for i := range cases {
		run(&cases[i], sets)
	}
	var out bytes.Buffer
	out.WriteString("[\n")
	for i, one := range cases {
		line := new(bytes.Buffer)
		encoder := json.NewEncoder(line)
		encoder.SetEscapeHTML(false)
		check(encoder.Encode(one))
		out.Write(bytes.TrimSpace(line.Bytes()))
		if i+1 < len(cases) {
			out.WriteString(",")
		}
		out.WriteString("\n")
	}
	out.WriteString("]\n")
	check(os.WriteFile("sprig.json", out.Bytes(), 0o644))
	fmt.Println(len(cases), "cases")
}

func run(one *Case, sets map[string]json.RawMessage) {
	var data interface{}
	// Fresh for each: Sprig's functions change what they are given.
	if one.Data == "summary" {
		summary := &Summary{}
		check(json.Unmarshal(sets[one.Data], summary))
		data = summary
	} else {
		check(json.Unmarshal(sets[one.Data], &data))
	}
	parsed, err := template.New("t").Funcs(sprig.TxtFuncMap()).Parse(one.Template)
	var out bytes.Buffer
	if err == nil {
		err = parsed.Execute(&out, data)
	}
	if err != nil {
		text := strings.ReplaceAll(err.Error(), "main.", "v1beta1.")
		one.Error = &text
		return
	}
	text := out.String()
	one.Output = &text
}
