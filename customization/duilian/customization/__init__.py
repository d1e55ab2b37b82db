"""What is asked and how it is judged: packs, competencies, rubrics, questions, published versions."""
