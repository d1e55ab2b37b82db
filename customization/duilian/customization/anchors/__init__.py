"""The anchor set (锚定集): adjudicated answers that every new model, prompt or recogniser scores again."""
