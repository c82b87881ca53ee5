"""The industries that an organization may say it is in."""

from django.db.models import TextChoices


class Industry(TextChoices):
    SOFTWARE = "software", "Software and internet"
    FINANCE = "finance", "Banking and finance"
    INSURANCE = "insurance", "Insurance"
    HEALTH = "health", "Health and life sciences"
    RETAIL = "retail", "Retail and e-commerce"
    MEDIA = "media", "Media and entertainment"
    MARKETING = "marketing", "Marketing and advertising"
    PROFESSIONAL_SERVICES = "professional_services", "Consulting, legal and other services"
    EDUCATION = "education", "Education and research"
    MANUFACTURING = "manufacturing", "Manufacturing"
    ENERGY = "energy", "Energy and utilities"
    TELECOM = "telecom", "Telecommunications"
    TRANSPORT = "transport", "Transport and logistics"
    TRAVEL = "travel", "Travel and hospitality"
    REAL_ESTATE = "real_estate", "Real estate and construction"
    PUBLIC_SECTOR = "public_sector", "Government and public sector"
    NONPROFIT = "nonprofit", "Non-profit"
    OTHER = "other", "Other"
