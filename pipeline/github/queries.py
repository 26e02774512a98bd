"""The texts of our GraphQL requests."""

from __future__ import annotations

ACTOR = "__typename ... on Bot { login databaseId } ... on User { login databaseId }"

ASSIGNED = f"assignedActors(first: 20) {{ nodes {{ {ACTOR} }} }}"

LABELS = "labels(first: 100) { nodes { name } }"

AUTHOR = "author { __typename login ... on Bot { databaseId } ... on User { databaseId } }"

HOME = "repository { nameWithOwner }"

PULL = f"""
  id number title body state isDraft merged mergedAt closedAt
  headRefName baseRefName headRefOid url createdAt updatedAt {AUTHOR} {HOME}
  mergeable commits(last: 1) {{ nodes {{ commit {{ statusCheckRollup {{ state }} }} }} }}
"""

# Both arms are needed: a pull request into another branch than the default one is no closing reference.
HANDOVERS = f"""
query($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    __typename
    ... on Issue {{
      id number title body state stateReason locked authorAssociation url createdAt updatedAt closedAt
      {AUTHOR} {HOME}
      {LABELS}
      {ASSIGNED}
      closedByPullRequestsReferences(first: 5, includeClosedPrs: true) {{ nodes {{ {PULL} }} }}
      timelineItems(last: 10, itemTypes: [CROSS_REFERENCED_EVENT]) {{
        nodes {{ __typename ... on CrossReferencedEvent {{ source {{ __typename ... on PullRequest {{ {PULL} }} }} }} }}
      }}
    }}
  }}
  rateLimit {{ cost remaining resetAt }}
}}
"""

SUGGESTED_ACTORS = """
query($owner: String!, $name: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    id
    suggestedActors(capabilities: [CAN_BE_ASSIGNED], first: 100, after: $after) {
      nodes { login __typename ... on Bot { id } ... on User { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
