// Package v1beta1 has the structs of the golden cases; the names of their types stand in messages.
package v1beta1

// Summary is what the templates of the golden cases see.
type Summary struct {
	Name, Namespace string
	Invoker         *Invoker
	Target          *Target
	Status          Status
	Missing         *Target
	RetryLeft       int
	Hooks           []any
}

// Invoker has a field that is nil.
type Invoker struct {
	APIGroup   *string
	Kind, Name string
}

// Target is pointed to.
type Target struct {
	APIGroup   *string
	Kind, Name string
}

// Status is not.
type Status struct {
	Phase, Duration, Error string
}
