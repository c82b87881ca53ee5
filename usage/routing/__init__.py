"""Smart routing: which model a feature's calls go to instead, as people have said. Programs read it themselves."""
