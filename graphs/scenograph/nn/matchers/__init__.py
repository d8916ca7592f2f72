"""Fine-grained matchers: modules that score images with sentences by their regions, words and graphs.

Each is one `@nets` component for the task "matching.v1".
"""
