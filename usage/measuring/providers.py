"""What providers are called. Pure."""

from functools import lru_cache

# What senders call providers that the price book, and our connections, know under another name.
KNOWN_AS = {
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google_vertexai": "google",
    "vertexai": "google",
    "google.generative-ai": "google",
    "vertex_ai": "google",
    "vertex": "google",
    "googlevertex": "google",
    "googlevertex.anthropic.messages": "google",
    "google_genai": "google",
    "google-generativeai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "aws.bedrock": "aws",
    "bedrock": "aws",
    "amazon-bedrock": "aws",
    "amazon_bedrock": "aws",
    "az.ai.openai": "azure",
    "azure.ai.openai": "azure",
    "az.ai.inference": "azure",
    "azure.ai.inference": "azure",
    "azure_openai": "azure",
    "azure-openai": "azure",
    "xai": "x-ai",
    "x_ai": "x-ai",
}


@lru_cache(1_000)
def known_as(name: str) -> str:
    """The name that we know a provider by; one that we do not know keeps its own.

    Models are kept as provider/model, so no provider has a slash.
    """
    name = name.strip().lower().replace("/", "-")
    return KNOWN_AS.get(name, name)
