"""Short issues as people and feeds write them, with the workflow that an analyst would choose; "" is "ask me"."""

from __future__ import annotations

from dataclasses import dataclass

IA, OSINT, PROFILE = "intelligence-analysis", "osint-research", "target-profile"
TECH, SECURITY, DOCS, ASK = "technical-review", "security-assessment", "documentation-review", ""


@dataclass(frozen=True, slots=True)
class Example:
    expected: str
    title: str
    body: str
    labels: tuple[str, ...] = ()


CORPUS = (
    Example(IA, "Threat intelligence: ransomware crews move to the logistics sector",
            "A threat intelligence summary of the quarter. The threat actor groups share infrastructure; "
            "trend analysis attached."),
    Example(IA, "Intelligence analysis needed on the border build-up",
            "Please prepare an intelligence assessment with key judgements, confidence levels and alternative "
            "hypotheses."),
    Example(IA, "Strategic intelligence assessment of undersea cable incidents",
            "Three incidents in a month. Is there a campaign? Intent, capability and the geopolitical context matter."),
    Example(IA, "Weekly intelligence report: adversary activity in the energy sector",
            "Intelligence report with threat landscape, adversary tactics and outlook for the coming weeks."),
    Example(IA, "Attribution of the campaign against ministries",
            "The threat actor behind the campaign reuses tools. We need intelligence analysis of attribution "
            "and motive."),
    Example(IA, "Threat assessment for the summit",
            "An intelligence analysis of likely threat actors around the summit, with a strategic outlook."),
    Example(OSINT, "OSINT: find out who runs these accounts",
            "Twelve social media accounts post the same images. Use open source intelligence to link them."),
    Example(OSINT, "Open source research on the shipping registry",
            "Collect public records and archived web pages; this is open source research, please document "
            "every source."),
    Example(OSINT, "Geolocation of three photographs from a forum",
            "OSINT task: geolocation by landmarks and satellite imagery, then verification of the time."),
    Example(OSINT, "Investigate a digital footprint across social media",
            "Open source investigation of usernames, domain registrations and social media profiles."),
    Example(OSINT, "OSINT research: telegram channels around the strike",
            "Gather publicly available posts, map the network of channels, archive everything."),
    Example(OSINT, "Verify a viral video with open source intelligence",
            "Publicly available footage; geolocation and chronolocation wanted. Open source intelligence only."),
    Example(PROFILE, "Target profile: Marlin Freight Holding",
            "We need a target profile with ownership, leadership, key personnel and subsidiaries."),
    Example(PROFILE, "Build a profile of the new chief executive",
            "Target profile of a person: biography, background, affiliations, known associates."),
    Example(PROFILE, "Organisation profile of a procurement network",
            "A profile of the organization, its structure, its leadership and its key personnel."),
    Example(PROFILE, "Profile request: who is behind Aster Trading?",
            "Please write a target profile; background check of the directors, entity structure, relationships."),
    Example(PROFILE, "Target profile update for the rail operator",
            "The target profile from spring is old. New leadership, new subsidiaries."),
    Example(PROFILE, "Subject profile: former minister turned lobbyist",
            "Person profile with career background, associates and affiliations; a target profile in short form."),
    Example(TECH, "Technical review of the ingest pipeline",
            "Please do a technical review of the architecture, performance and scalability of the ingest service."),
    Example(TECH, "Code review: new scheduler implementation",
            "The code review should look at the implementation, concurrency and test coverage."),
    Example(TECH, "Architecture review before the database migration",
            "Technical review wanted: architecture, data model and API design, with a recommendation."),
    Example(TECH, "Evaluate performance of the search library",
            "A technical review with benchmarks: latency, throughput and memory; is the implementation sound?"),
    Example(TECH, "Review the API design of the export service",
            "Technical evaluation of API design and code quality; note technical debt."),
    Example(TECH, "Refactoring proposal for the parser needs a technical review",
            "The implementation grew; architecture and performance suffer. Code review of the branch please."),
    Example(SECURITY, "CVE-2026-21001: remote code execution in Lumen Gateway",
            "The vulnerability is exploited. Security assessment of our exposure, patch status and mitigation."),
    Example(SECURITY, "Security assessment of the customer portal",
            "Run a security assessment with threat model, penetration test and a list of vulnerabilities."),
    Example(SECURITY, "Penetration test findings for the VPN",
            "The penetration test found vulnerabilities in authentication. Assess the risk, propose hardening."),
    Example(SECURITY, "Vulnerability in the mail server",
            "A security advisory describes a vulnerability and an exploit. Are we affected?"),
    Example(SECURITY, "Supply chain: malicious package in our build",
            "Security incident: the package carries malware. A security assessment of the build and its "
            "vulnerability is needed."),
    Example(SECURITY, "Security review of the new login",
            "Look for vulnerabilities: authentication bypass, access control, encryption. Security assessment please."),
    Example(DOCS, "Documentation review: installation guide",
            "The documentation is outdated. Review completeness and accuracy of the user guide."),
    Example(DOCS, "README contradicts the user guide",
            "A documentation review should fix the readme and the guide; examples are wrong."),
    Example(DOCS, "API documentation lacks examples",
            "Documentation review of the API reference; the tutorial has broken links as well."),
    Example(DOCS, "Update the operator documentation",
            "The documentation needs a review: style guide, readability, outdated screenshots in the manual."),
    Example(DOCS, "Tutorial and readme for beginners",
            "Please review the documentation for newcomers: tutorial, readme, glossary."),
    Example(DOCS, "Changelog and docs are out of date",
            "A documentation review of changelog, docs and readme before the release."),
    Example(OSINT, "Please have a look", "Nothing more to say.", ("osint",)),
    Example(SECURITY, "Quarterly task", "As discussed.", ("security",)),
    Example(ASK, "Lunch menu of next week", "Monday: soup. Tuesday: rice with vegetables."),
    Example(ASK, "A new office in Nordhaven", "The firm hires forty people and plants trees."),
    Example(ASK, "Question", "Could somebody tell me when the next meeting is?"),
    Example(ASK, "Mixed bag", "One documentation item, one vulnerability, one open source note."),
    Example(ASK, "Update", "See the attachment."),
    Example(ASK, "Ideas for the team day", "Boats, or a museum? Say what you like."),
)  # fmt: skip
