// Package scaffold writes the files that a new feature scope begins with: its feature file,
// a flow that passes at once, and what the tutorial has an author write by hand on both
// sides, in FastAPI or Go for the backend and in Ruby for GitLab Rails.
package scaffold
