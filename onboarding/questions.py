"""What we ask, declared once: screens, checks, the API and the admin are drawn from this list.

Options carry the values that programs send (contracts.md). Pure: no Django.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from accounts.industries import Industry


class Kind(StrEnum):
    TEXT = "text"
    URL = "url"
    ONE = "one"
    MANY = "many"
    EMAILS = "emails"


class About(StrEnum):
    """Whose answer it is: the company's is one for everybody in it, a person's is their own."""

    COMPANY = "company"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    icon: str = ""
    hint: str = ""
    logo: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """`name` is the name of its field here, `key` in JSON."""

    name: str
    key: str
    text: str
    kind: Kind
    about: About
    options: tuple[Option, ...] = ()
    hint: str = ""

    @property
    def values(self) -> frozenset[str]:
        return frozenset(option.value for option in self.options)

    @property
    def has_other(self) -> bool:
        """Whether choosing "Other" opens a text of one's own."""
        return OTHER in self.values and self not in LATER

    def label_of(self, value: str) -> str:
        return next((option.label for option in self.options if option.value == value), value)


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen of the questionnaire; `key` is its position and its name in `skippedSteps`."""

    key: str
    title: str
    lead: str
    questions: tuple[Question, ...]


OTHER = "other"

COMPANY_NAME = Question(
    "company_name", "companyName", "What's your company name?", Kind.TEXT, About.COMPANY,
    hint="Everybody in your organization sees this name.",
)  # fmt: skip
USER_ROLE = Question(
    "user_role", "userRole", "What's your role?", Kind.ONE, About.PERSON,
    (
        Option("engineering", "Engineering / Developer", "code"),
        Option("platform_devops", "Platform / DevOps / SRE", "server-cog"),
        Option("finops_finance", "FinOps / Finance", "coin"),
        Option("engineering_manager", "Engineering Manager / Lead", "users-group"),
        Option("cto_vp", "CTO / VP Engineering", "sitemap"),
        Option("founder_ceo", "Founder / CEO", "rocket"),
        Option(OTHER, "Other", "dots"),
    ),
)  # fmt: skip
COMPANY_SIZE = Question(
    "company_size", "companySize", "How many people work at your company?", Kind.ONE, About.COMPANY,
    (
        Option("solo", "Just me (solo/freelance)"),
        Option("2-10", "2-10 employees"),
        Option("11-50", "11-50 employees"),
        Option("51-200", "51-200 employees"),
        Option("201-1000", "201-1000 employees"),
        Option("1000+", "1000+ employees"),
    ),
)  # fmt: skip
MONTHLY_AI_SPEND = Question(
    "monthly_ai_spend", "monthlyAiSpend", "Roughly how much do you spend on AI APIs per month?",
    Kind.ONE, About.COMPANY,
    (
        Option("under_100", "Less than $100"),
        Option("100_1000", "$100 - $1,000"),
        Option("1000_10000", "$1,000 - $10,000"),
        Option("10000_50000", "$10,000 - $50,000"),
        Option("50000_100000", "$50,000 - $100,000"),
        Option("over_100000", "More than $100,000"),
        Option("not_sure", "Not sure"),
    ),
)  # fmt: skip
AI_PROVIDERS = Question(
    "ai_providers", "aiProviders", "Which AI providers do you use?", Kind.MANY, About.COMPANY,
    (
        Option("openai", "OpenAI", logo="openai"),
        Option("anthropic", "Anthropic (Claude)", logo="anthropic"),
        Option("google", "Google (Gemini, Vertex AI)", logo="google"),
        Option("azure", "Azure OpenAI", logo="azure_openai"),
        Option("aws", "AWS Bedrock", logo="aws_bedrock"),
        Option("cohere", "Cohere", logo="cohere"),
        Option("mistral", "Mistral", logo="mistral"),
        Option(OTHER, "Other", "dots"),
    ),
    hint="Select all that apply.",
)  # fmt: skip
USE_CASES = Question(
    "use_cases", "useCases", "What do you use AI for?", Kind.MANY, About.COMPANY,
    (
        Option("chatbot", "Customer-facing chatbot / assistant", "message-chatbot"),
        Option("internal_tools", "Internal productivity tools", "tool"),
        Option("content_generation", "Content generation", "file-text"),
        Option("code_generation", "Code generation / assistance", "terminal-2"),
        Option("data_analysis", "Data analysis / insights", "chart-dots"),
        Option("search_rag", "Search / RAG applications", "search"),
        Option("image_video", "Image / video generation", "photo"),
        Option("research", "Research / experimentation", "flask"),
        Option(OTHER, "Other", "dots"),
    ),
    hint="Select all that apply.",
)  # fmt: skip
GOALS = Question(
    "goals", "goals", "What brought you to TokenTra?", Kind.MANY, About.PERSON,
    (
        Option("visibility", "Need visibility into AI costs", "eye"),
        Option("cost_reduction", "Want to reduce AI spending", "trending-down"),
        Option("cost_allocation", "Need to allocate costs to teams/projects", "sitemap"),
        Option("budgets_alerts", "Want to set budgets and alerts", "bell"),
        Option("model_optimization", "Optimizing model selection", "adjustments"),
        Option("client_billing", "Tracking AI usage for billing clients", "receipt"),
        Option("compliance", "Compliance / governance requirements", "shield-check"),
        Option("exploring", "Just exploring", "compass"),
    ),
    hint="Select all that apply.",
)  # fmt: skip
TEAM_INVITES = Question(
    "team_invites", "teamInvites", "Would you like to invite team members now?", Kind.EMAILS, About.COMPANY,
    hint="One address per line, or separated by commas. They join as members; you can change that later.",
)  # fmt: skip

SCREENS = (
    Screen(
        "company",
        "Let's get you set up",
        "A few short questions decide what you see first. You can skip any of them.",
        (COMPANY_NAME, USER_ROLE, COMPANY_SIZE),
    ),
    Screen(
        "ai_usage",
        "Your AI usage",
        "A rough idea is enough. Real figures come from your providers.",
        (MONTHLY_AI_SPEND, AI_PROVIDERS, USE_CASES),
    ),
    Screen("goals", "Your goals", "This orders what comes next. Nothing is hidden from you.", (GOALS,)),
    Screen(
        "team", "Your team", "People you invite see the same figures, as far as their role allows.", (TEAM_INVITES,)
    ),
)
BY_KEY = {screen.key: screen for screen in SCREENS}


# asked later, where they fit: in the organization's settings, in a person's settings, on one card that can be closed

COMPANY_WEBSITE = Question("company_website", "companyWebsite", "What's your website?", Kind.URL, About.COMPANY)
INDUSTRY = Question(
    "industry", "industry", "What industry are you in?", Kind.ONE, About.COMPANY,
    tuple(Option(value, label) for value, label in Industry.choices),
)  # fmt: skip
ACQUISITION_CHANNEL = Question(
    "acquisition_channel", "acquisitionChannel", "How did you hear about us?", Kind.ONE, About.PERSON,
    (
        Option("search", "Search engine"),
        Option("ai_assistant", "An AI assistant"),
        Option("colleague", "A colleague or friend"),
        Option("social", "Social media"),
        Option("community", "A community or forum"),
        Option("article", "An article, podcast or video"),
        Option("event", "A conference or meetup"),
        Option("provider", "An AI provider or partner"),
        Option(OTHER, "Other"),
    ),
)  # fmt: skip
LATER = (COMPANY_WEBSITE, INDUSTRY, ACQUISITION_CHANNEL)


def questions() -> Iterator[Question]:
    """All of them, the later ones last."""
    for screen in SCREENS:
        yield from screen.questions
    yield from LATER
